"""docs/operators.md, Runbook: a copy made while a crawl runs, and an archive restored from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.compare import content_of, differences
from tests.conftest import ROOT, TestArchive
from tests.crawling import command, started, wait_for_captures


def back_up(archive: TestArchive, copy: Path) -> None:
    script = ROOT / "docs" / "deploy" / "backup.sh"
    subprocess.run(["sh", script, archive.folder, copy], check=True, timeout=60)


def restore(copy: Path, folder: Path) -> TestArchive:
    """On a machine that has nothing but the copy."""
    shutil.copytree(copy, folder)
    restored = TestArchive(folder)
    rebuilt = restored.tinhuyen("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    verified = restored.tinhuyen("warc", "verify", "--all")
    assert verified.returncode == 0, verified.stdout
    return restored


def test_a_copy_made_in_mid_crawl_is_sound_and_the_last_one_is_everything(
    archive: TestArchive, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with started(archive, command()) as crawl:
        wait_for_captures(archive, 20)
        back_up(archive, copy)
        assert list(copy.rglob("*.open"))
        assert crawl.wait(120) == 0
    early = restore(copy, tmp_path / "early")
    back_up(archive, copy)
    assert not list(copy.rglob("*.open"))
    late = restore(copy, tmp_path / "late")

    live = content_of(archive.open().database_url)
    assert not differences(live, content_of(late.open().database_url))
    kept = {row["record_id"] for row in live["captures"]}
    then = {row["record_id"] for row in content_of(early.open().database_url)["captures"]}
    assert 20 <= len(then) <= len(kept)
    assert then <= kept
