"""A store that is a folder: what its machines do to each other's files, and what goes wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.folder import ArchiveFolder
from storage.store.objects import store_at
from tests.conftest import TestArchive


@pytest.fixture
def kho(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, named in the environment."""
    monkeypatch.setenv("TINHUYEN_STORE", f"file://{tmp_path}/kho")
    store_at.cache_clear()
    return tmp_path / "kho"


@pytest.fixture
def here(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    """A copy of the demo's archive, of which nothing was shipped."""
    return demo_archive.copy(tmp_path / "archive")


def test_no_file_is_rewritten_while_files_are_shipped(here: TestArchive, kho: Path) -> None:
    words = (
        "takedown",
        "add",
        "308bb",
        "--how",
        "rewrite",
        "--reason",
        "án 12",
        "--basis",
        "court",
    )
    with ArchiveFolder(here.folder).shipping_lock():
        refused = here.tinhuyen(*words)
    assert refused.returncode == 7 and "files are being shipped" in refused.stderr
    assert len(here.warc_files()) == 1 and "-r1" not in here.warc_files()[0].name
