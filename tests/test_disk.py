"""No room left, and a disk that fails: said, and nothing that was acknowledged is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database.connect import open_database
from storage.folder import OPEN_SUFFIX
from storage.warc.members import Member, walk
from tests.conftest import ROOT, TestArchive
from tests.crawling import command, crawl
from tests.databases import on_server
from tests.torture.checks import (
    ARTICLES,
    Findings,
    acknowledged,
    check_files,
    check_kept,
    check_rebuild,
    records_by_fastwarc,
    rows,
)


def finished(archive: TestArchive, promised: set[tuple[str, str]]) -> None:
    """The same command goes on and ends well, with everything promised."""
    again = archive.scrapy("crawl", "demo")
    assert again.returncode == 0, again.stderr
    assert len(rows(archive.folder / "archive.db", ARTICLES)) == 60
    findings = Findings()
    check_kept(archive.folder, promised, findings)
    check_files(archive.folder, findings)
    check_rebuild(archive.folder, findings)
    assert not findings


def test_below_the_floor_a_crawl_does_not_begin(archive: TestArchive) -> None:
    refused = crawl(archive, f"DISK_FLOOR_BYTES={10**18}")
    assert refused.returncode == 3
    assert "less than the 953,674,316,406 MB that DISK_FLOOR_BYTES keeps" in refused.stderr
    assert not (archive.folder / "archive.db").exists()
    finished(archive, set())


def test_at_the_floor_it_ends_well_and_goes_on_when_there_is_room(archive: TestArchive) -> None:
    """The floor rises in the middle of the crawl, as the free space would sink."""
    before = (
        "import storage.keeper as k, shutil\n"
        "class Usage:\n"
        "    free = property(lambda self: 0 if k.Keeper.seen > 3 else 2**40)\n"
        "def usage(path): k.Keeper.seen += 1; return Usage()\n"
        "k.Keeper.seen = 0\n"
        "k.shutil.disk_usage = usage"
    )
    stopped = crawl(archive, "CONCURRENT_REQUESTS=1", before=before)

    assert stopped.returncode == 3, stopped.stderr
    assert "make room and run the same command again: it goes on" in stopped.stderr
    assert not list(archive.folder.glob(f"warc/*/*{OPEN_SUFFIX}"))  # closed and listed
    promised = acknowledged(archive.folder / "archive.db")
    assert promised
    finished(archive, promised)


_NO_FURTHER = """
import os, resource, sys
from storage.errors import OutOfDisk
from storage.exchange import Exchange
from storage.database.connect import open_database
from storage.folder import ArchiveFolder
from storage.warc.exchange_records import digests_of
from storage.warc.info import WarcInfo
from storage.warc.writer import WarcWriter
from pathlib import Path

def exchange(number):
    made = Exchange(f"http://a.vn/{number}")
    made.send(b"GET / HTTP/1.1\\r\\n\\r\\n")
    made.receive(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + os.urandom(50_000))
    made.finish()
    return made

def append(number):
    one = exchange(number)
    return writer.append(one, digests_of(one), None)

writer = WarcWriter(ArchiveFolder(Path(sys.argv[1])), WarcInfo("a", "run", "s", "u", "c"), 10**9)
resource.setrlimit(resource.RLIMIT_FSIZE, (330_000, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        append(kept)
        kept += 1
except OutOfDisk as fault:
    print(fault)
assert kept == 6, kept
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
append(kept)
assert writer.sync()
writer.close()
"""


def test_a_file_that_may_not_grow_is_cut_back_to_its_last_exchange(tmp_path: Path) -> None:
    """`ulimit -f`: a write in the middle of a record fails, as on a full disk; later there is room."""
    code = [sys.executable, "-c", _NO_FURTHER, str(tmp_path)]
    done = subprocess.run(code, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "no room left; make room and run the same command again" in done.stdout
    findings = Findings()
    check_files(tmp_path, findings)
    assert not findings
    [path] = tmp_path.glob("warc/a/*.warc.gz")
    assert len(records_by_fastwarc(tmp_path, findings)) == 7
    assert all(isinstance(found, Member) for found in walk(path))


@pytest.mark.embedded("SQLite's file")
def test_a_database_file_that_may_not_grow_ends_the_crawl(archive: TestArchive) -> None:
    open_database(archive.open().database_url).dispose()  # the gazetteer fits
    limit = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))"
    )
    stopped = crawl(archive, before=limit)
    assert stopped.returncode in (1, 3), stopped.stderr  # SQLite says "disk I/O error" of EFBIG
    assert "the database" in stopped.stderr
    finished(archive, acknowledged(archive.folder / "archive.db"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, 64 MB until the test makes it smaller."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_ends_the_crawl_with_3_and_it_goes_on_when_there_is_room(
    small_disk: Path,
) -> None:
    """Database and WARC file share 1.5 MB, whichever is first finds no room; or a file alone."""
    archive = TestArchive(small_disk / "archive")
    archive.folder.mkdir()
    open_database(archive.open().database_url).dispose()
    room = 400_000 if on_server() else 1_500_000
    resize(small_disk, shutil.disk_usage(small_disk).used + room)
    full = archive._run(command("DISK_FLOOR_BYTES=0"), 120)

    assert full.returncode == 3, full.stderr
    assert "make room and run the same command again" in full.stderr
    promised = acknowledged(archive.folder / "archive.db")
    assert promised
    assert archive._run(command("DISK_FLOOR_BYTES=0"), 120).returncode == 3  # still no room

    resize(small_disk, 64 << 20)
    archive_finished(archive, promised)


@pytest.mark.embedded("SQLite's file")
def test_a_disk_too_small_for_a_database_is_said(small_disk: Path) -> None:
    resize(small_disk, 200_000)
    archive = TestArchive(small_disk / "archive")
    archive.folder.mkdir()
    full = archive._run(command("DISK_FLOOR_BYTES=0"), 120)
    assert full.returncode == 3, full.stderr
    assert "the database has no room left; make room" in full.stderr


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def archive_finished(archive: TestArchive, promised: set[tuple[str, str]]) -> None:
    again = archive._run(command("DISK_FLOOR_BYTES=0"), 120)
    assert again.returncode == 0, again.stderr
    findings = Findings()
    check_kept(archive.folder, promised, findings)
    check_files(archive.folder, findings)
    check_rebuild(archive.folder, findings)
    assert not findings
    assert len(rows(archive.folder / "archive.db", ARTICLES)) == 60


_SYNC_FAILS = """
import errno, storage.warc.writer as w
real, count = w.files.sync, 0
def sync(handle):
    global count
    if {warc_only} and not __import__("os").readlink(f"/proc/self/fd/{{handle}}").endswith(".open"):
        return real(handle)
    count += 1
    if count in {which}:
        raise OSError(errno.EIO, "Input/output error")
    real(handle)
w.files.sync = sync
"""


def test_after_a_failed_fsync_the_file_is_given_up_and_a_new_one_begun(
    archive: TestArchive,
) -> None:
    """What was in hand stands in the new file; the old one keeps what had been synced."""
    before = _SYNC_FAILS.format(warc_only=True, which="(4, 9)")
    crawled = crawl(archive, before=before)

    assert crawled.returncode == 0, crawled.stderr
    assert "it is given up after byte" in crawled.stderr
    given_up = list(archive.folder.glob(f"warc/*/*{OPEN_SUFFIX}"))
    assert len(given_up) == 2
    assert len(archive.warc_files()) == 1
    assert archive.tinhuyen("recover").returncode == 0
    findings = Findings()
    check_kept(archive.folder, acknowledged(archive.folder / "archive.db"), findings)
    check_files(archive.folder, findings)
    check_rebuild(archive.folder, findings)
    assert not findings
    assert len(archive.warc_files()) == 3


@pytest.mark.parametrize("warc_only", [True, False], ids=["WARC", "journal too"])
def test_where_every_fsync_fails_the_crawl_stops_and_says_so(
    archive: TestArchive, warc_only: bool
) -> None:
    before = _SYNC_FAILS.format(warc_only=warc_only, which="range(4, 10**9)")
    stopped = crawl(archive, before=before)

    assert stopped.returncode == 1
    assert "could not be synced" in stopped.stderr or "cannot write the journal" in stopped.stderr
    finished(archive, acknowledged(archive.folder / "archive.db"))
