"""A store that is a folder: what its machines do to each other's files, and what goes wrong there."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from storage.folder import ArchiveFolder
from storage.lines import read_lines
from storage.store.file import WarcFile
from storage.store.machines import bring_sites, ship_beside
from storage.store.objects import Store, store_at
from storage.warc.manifest import list_file, list_given, own_entries
from storage.warc.verify.pace import Pace
from storage.warc.verify.round import Round
from storage.warc.verify.rules import Rule
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


# Verifying.


@pytest.fixture
def shipped(here: TestArchive, kho: Path) -> TestArchive:
    """The same with its WARC file in the folder only."""
    done = here.here("warc", "ship")
    assert done.returncode == 0 and not here.warc_files(), done.stderr
    return here


def log_of(archive: TestArchive) -> list[str]:
    """Files that a verification finished with."""
    lines = read_lines(archive.folder / "logs" / "verify.jsonl")
    return [line["file"] for line in lines if "file" in line]


_NO_ROOM = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
from crawler.cli import main
main()
"""


def test_no_room_for_the_copy_is_no_flaw_of_the_file(shipped: TestArchive) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _NO_ROOM, "warc", "verify", "--all"],
        env=shipped.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and "no room left; make room" in done.stderr
    assert not log_of(shipped) and not copies(shipped)
    assert shipped.here("warc", "verify", "--all").returncode == 0


def copies(archive: TestArchive) -> list[Path]:
    return list(archive.folder.glob(".verifying/*/*"))


def test_what_a_killed_verification_left_goes(shipped: TestArchive) -> None:
    """But not what another one is reading."""
    command = [sys.executable, "-c", "from crawler.cli import main; main()", "warc", "verify"]
    process = subprocess.Popen([*command, "--all", "--rate", "1KB"], env=shipped.environment)
    while not copies(shipped):
        assert process.poll() is None
        time.sleep(0.01)
    assert shipped.here("warc", "verify", "--all").returncode == 0
    assert len(copies(shipped)) == 1
    process.kill()
    process.wait()
    assert shipped.here("warc", "verify", "--all").returncode == 0
    assert not copies(shipped)


def second_file(archive: TestArchive) -> str:
    """Another finished file beside the demo's, after it by name."""
    folder = ArchiveFolder(archive.folder)
    [entry] = own_entries(folder)
    name = entry.file.replace("-00000-", "-00001-")
    data = (folder.root / entry.file).read_bytes()
    (folder.root / name).write_bytes(data)
    list_file(folder, replace(entry, file=name))
    return name


@pytest.mark.parametrize("when", ["before its turn", "as it is opened"])
@pytest.mark.parametrize("where", ["here", "in the store"])
def test_a_file_that_goes_away_ends_no_round(
    here: TestArchive, kho: Path, monkeypatch: pytest.MonkeyPatch, where: str, when: str
) -> None:
    name, pace = second_file(here), Pace(None)
    if where == "in the store":
        assert here.here("warc", "ship").returncode == 0
    path = (here.folder if where == "here" else kho) / name

    def open_it(file: WarcFile) -> BinaryIO:
        if (when == "as it is opened") == (file.name == path.name):
            path.unlink(missing_ok=True)
        return file.open("rb")

    monkeypatch.setattr(pace, "open", open_it)
    archive = here.open()
    first, *rest, last = Round(archive, pace=pace).everything()
    archive.close()
    assert not first.errors and not any(verdict.flaws for verdict in rest)
    assert last.file == name and [flaw.rule for flaw in last.flaws] == [Rule.MISSING_FILE]


# Site tables.


def shipped_table(folder: Path, name: str, text: str) -> None:
    """A machine whose table lies in the store."""
    machine = ArchiveFolder(folder)
    machine.sites.mkdir(parents=True, exist_ok=True)
    (machine.sites / name).write_text(text)
    ship_beside(machine, store_at(os.environ["TINHUYEN_STORE"]))


def test_site_tables_come_all_or_none(tmp_path: Path, kho: Path) -> None:
    """Else what a full disk or a kill left would count as the folder's own, and no more come."""
    shipped_table(tmp_path / "one", "a.toml", "# a\n")
    shipped_table(tmp_path / "one", "b.toml", "# b\n" * 1000)
    fresh = ArchiveFolder(tmp_path / "fresh")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError):
            bring_sites(fresh)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(fresh.root.glob("sites/*"))
    bring_sites(fresh)
    assert sorted(path.name for path in fresh.sites.iterdir()) == ["a.toml", "b.toml"]
    assert [path.name for path in fresh.root.iterdir()] == ["sites"]


def test_of_one_site_table_the_youngest_comes(tmp_path: Path, kho: Path) -> None:
    """A table that grew is not a better one: a site may have been taken out of it."""
    for name, text, moment in (("one", "# long, and old", 1000), ("two", "# new", 2000)):
        shipped_table(tmp_path / name, "a.toml", text)
        [path] = kho.glob(f"machines/{ArchiveFolder(tmp_path / name).machine}/sites/a.toml")
        os.utime(path, (moment, moment))
    fresh = ArchiveFolder(tmp_path / "fresh")
    bring_sites(fresh)
    assert (fresh.sites / "a.toml").read_text() == "# new"


# What the commands say.


def test_what_was_withdrawn_is_not_counted_as_shipped(
    here: TestArchive, kho: Path, tmp_path: Path
) -> None:
    [entry] = own_entries(ArchiveFolder(here.folder))
    other = ArchiveFolder(tmp_path / "other")
    list_given(other, replace(entry, file=f"{entry.file}-r1", replaces=entry.file))
    ship_beside(other, store_at(os.environ["TINHUYEN_STORE"]))
    said = here.here("warc", "ship").stdout
    assert f"{entry.file}: withdrawn\n" in said and "\n0 file(s), 0.0 MB, shipped" in said


@pytest.mark.parametrize("name", ["/etc/hostname", "warc", "../archive/machine", "machine", "a\0b"])
def test_only_listed_files_are_fetched(shipped: TestArchive, name: str) -> None:
    done = shipped.here("warc", "fetch", name)
    assert done.returncode == 1 and "no machine's manifest lists" in done.stderr
