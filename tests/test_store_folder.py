"""A store that is a folder: what its machines do to each other's files, and what goes wrong there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.folder import ArchiveFolder
from storage.store.objects import Store, store_at
from tests.conftest import TestArchive
from tests.donated import SITE, answer, warc


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


NO_STORES = (
    "s3:// s3: s3:///a s3://[ file:// file://kho file://kho/x file:kho kho /mnt/kho "
    "ftp://127.0.0.1/x github://x http://127.0.0.1:9/x memory://x nichts://x"
)


@pytest.mark.parametrize("url", NO_STORES.split())
def test_what_is_no_store_is_said_to_be_none(
    archive: TestArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINHUYEN_STORE", url)
    said = f"{url} names no store; s3://BUCKET/PREFIX or file:///FOLDER does"
    done = archive.here("warc", "ship")
    assert done.returncode == 2 and said in done.stderr
    if "://" in url:
        given = archive.here("import", url, "--donor", "Lan", "--terms", "CC0")
        assert given.returncode == 2 and said in given.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize(
    ("url", "root"),
    [("s3://kho", "kho"), ("s3://kho/a/b/", "kho/a/b"), ("file:///mnt/kho/", "/mnt/kho")],
)
def test_a_bucket_and_a_folder_are_stores(url: str, root: str) -> None:
    assert Store(url).url == url.rstrip("/")
    assert Store(url)._path("x") == f"{root}/x"


def test_import_takes_a_file_and_a_folder_of_a_disk(archive: TestArchive, tmp_path: Path) -> None:
    archive.declare(SITE)
    [(_, data)] = warc(answer(1)).items()
    (tmp_path / "quà").mkdir()
    (tmp_path / "quà" / "a.warc.gz").write_bytes(data)
    for given in ("quà/a.warc.gz", "quà", "quà/"):
        words = (f"file://{tmp_path}/{given}", "--donor", "Lan", "--terms", "CC0", "--json")
        done = archive.here("import", *words)
        assert len(json.loads(done.stdout)["files"]) == 1, done.stderr
