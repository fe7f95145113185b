"""What a crash may leave behind, and what the next start makes of it."""

from __future__ import annotations

import fcntl
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.run import recover_free
from storage.errors import Exit
from storage.folder import OPEN_SUFFIX
from storage.warc.members import Member, walk
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.crawling import crawl
from tests.databases import empty_for_rebuild
from tests.portals import portals
from tests.torture.checks import ARTICLES, Findings, check_files, rows


@pytest.fixture
def crashed(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    """The demo's archive as if every file were still open and no row had been committed."""
    archive = demo_archive.copy(tmp_path / "archive")
    forget(archive)
    return archive


def forget(archive: TestArchive) -> None:
    for name in ("archive.db", "archive.db-wal", "archive.db-shm", "manifest.jsonl"):
        (archive.folder / name).unlink(missing_ok=True)
    empty_for_rebuild(archive.folder)
    for path in archive.warc_files():
        path.rename(path.with_name(path.name + OPEN_SUFFIX))


def open_file(archive: TestArchive) -> Path:
    [path] = archive.folder.glob(f"warc/demo/*{OPEN_SUFFIX}")
    return path


def recover(archive: TestArchive) -> dict[str, object]:
    done = archive.tinhuyen("recover", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    findings = Findings()
    check_files(archive.folder, findings)
    assert not findings
    return found


def test_what_is_taken_in_gives_the_rows_that_the_crawl_gave(
    demo_archive: TestArchive, crashed: TestArchive
) -> None:
    """Captures, readings, versions, images, attachments, failures with bytes: all the same."""
    done = recover(crashed)

    assert (done["taken_in"], done["read"]) == (133, 133)
    live, taken = (
        content_of(demo_archive.open().database_url),
        content_of(crashed.open().database_url),
    )
    with_bytes = [row for row in live["failures"] if row["record_id"]]
    assert with_bytes
    assert [row for row in taken["failures"] if row["record_id"]] == with_bytes
    for name in ("runs", "failures"):  # the journal has those: recovery only reads WARC files
        live[name] = taken[name] = []
    assert not differences(live, taken)


def test_the_frontier_goes_on_where_it_was(crashed: TestArchive) -> None:
    recover(crashed)
    query = "SELECT state, CAST(count(*) AS text) FROM frontier GROUP BY state ORDER BY state"
    states = rows(crashed.folder / "archive.db", query)
    assert states == [
        ("done", "133"),
        ("queued", "38"),
    ]  # what robots.txt barred had not been looked at


def test_the_user_of_a_crawl_is_told(crashed: TestArchive) -> None:
    said = "recovered 1 file(s) left open: 133 exchange(s) taken in"
    copy = crashed.copy(crashed.folder.with_name("copy"))
    assert said in crashed.tinhuyen("crawl", "demo").stderr
    assert said in copy.scrapy("crawl", "demo").stderr


Damage = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data + bytes(5000), id="zeros at the end"),
        pytest.param(lambda data: data + b"\x1f\x8b\x08 garbage " * 99, id="garbage at the end"),
        pytest.param(lambda data: data + data[:700], id="a torn member at the end"),
        pytest.param(lambda data: data + gzip.compress(b"no WARC"), id="a foreign member"),
    ],
)
def test_whatever_follows_the_last_exchange_is_cut_off(
    crashed: TestArchive, damage: Damage
) -> None:
    path = open_file(crashed)
    before = path.read_bytes()
    path.write_bytes(damage(before))

    done = recover(crashed)

    assert done["cut_bytes"] == len(damage(before)) - len(before)
    assert done["taken_in"] == 133
    [closed] = crashed.warc_files()
    assert closed.read_bytes() == before


def exchange_ends(path: Path) -> list[int]:
    members = [found for found in walk(path) if isinstance(found, Member)]
    return [m.offset + m.length for m in members if m.fields["warc-type"] == "response"]


def test_a_torn_exchange_at_the_end_goes_and_is_fetched_again(crashed: TestArchive) -> None:
    path = open_file(crashed)
    path.write_bytes(path.read_bytes()[:-100])

    assert recover(crashed)["taken_in"] == 132

    crawled = crashed.scrapy("crawl", "demo")
    assert crawled.returncode == 0, crawled.stderr
    assert len(rows(crashed.folder / "archive.db", ARTICLES)) == 60


def test_a_hole_that_nothing_acknowledged_follows_is_closed(crashed: TestArchive) -> None:
    """After a power cut a later write may be there and an earlier one not."""
    path = open_file(crashed)
    data, ends = bytearray(path.read_bytes()), exchange_ends(path)
    data[ends[50] : ends[52]] = bytes(ends[52] - ends[50])
    path.write_bytes(data)

    done = recover(crashed)

    lost = 133 - int(str(done["taken_in"]))
    assert lost >= 2  # with their revisits
    assert done["damaged"] == []
    [closed] = crashed.warc_files()
    assert sum(isinstance(found, Member) for found in walk(closed)) == 1 + 3 * (133 - lost)
    assert crashed.scrapy("crawl", "demo").returncode == 0


def test_damage_before_what_the_database_knows_is_left_and_said(
    demo_archive: TestArchive, tmp_path: Path
) -> None:
    archive = demo_archive.copy(tmp_path / "archive")
    (archive.folder / "manifest.jsonl").unlink()
    [path] = archive.warc_files()
    data, ends = bytearray(path.read_bytes()), exchange_ends(path)
    data[ends[50] + 10 : ends[50] + 20] = bytes(10)
    path.unlink()
    path.with_name(path.name + OPEN_SUFFIX).write_bytes(data)

    done = archive.tinhuyen("recover")

    assert f"bytes {ends[50]} to {ends[51]} hold no whole exchange" in done.stdout
    assert archive.warc_files()[0].read_bytes() == bytes(data)


def test_a_closed_file_that_the_manifest_lacks_is_listed(crashed: TestArchive) -> None:
    """The crash came between the rename and the manifest's line."""
    recover(crashed)
    manifest = crashed.folder / "manifest.jsonl"
    line = json.loads(manifest.read_text())
    manifest.write_text('{"file": "torn')

    done = archive_listed(crashed)

    listed = json.loads(manifest.read_text().splitlines()[1])
    assert done == [line["file"]]
    assert (listed["file"], listed["sha256"]) == (line["file"], line["sha256"])


def archive_listed(archive: TestArchive) -> object:
    return recover(archive)["listed"]


def test_an_open_file_that_a_living_process_holds_is_left_alone(crashed: TestArchive) -> None:
    path = open_file(crashed)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "Nothing to recover" in crashed.tinhuyen("recover").stdout
    assert path.exists()
    assert recover(crashed)["taken_in"] == 133


def test_an_exchange_written_again_after_a_failed_fsync_counts_once(crashed: TestArchive) -> None:
    """The file that was given up could not be cut back: both hold the same records."""
    path = open_file(crashed)
    ends = exchange_ends(path)
    again = path.with_name(path.name.replace("-00000-", "-00001-"))
    again.write_bytes(path.read_bytes()[: ends[0]])

    assert recover(crashed)["taken_in"] == 133
    assert len(crashed.warc_files()) == 1


@pytest.mark.parametrize(
    "tail",
    [b'{"kind": "run_fin', bytes(100), b"garbage\n[1]\n\n"],
    ids=["torn", "zeros", "garbage"],
)
def test_a_damaged_line_of_the_journal_spoils_no_other(crashed: TestArchive, tail: bytes) -> None:
    journal = crashed.folder / "journal.jsonl"
    before = journal.read_bytes()
    journal.write_bytes(before + tail)
    recover(crashed)
    done = crashed.tinhuyen("rebuild")
    assert done.returncode == 0, done.stderr
    assert "60 articles" in done.stdout


@pytest.mark.postgres
def test_a_crash_over_postgresql_is_recovered_from_too(
    archive: TestArchive, postgres_url: str
) -> None:
    """Killed between the WARC file's fsync and the transaction."""
    before = (
        "import os, storage.keeper as k\n"
        "real, rounds = k.run_transaction, []\n"
        "def run(*rest):\n"
        "    rounds.append(1)\n"
        "    if len(rounds) == 5: os.kill(os.getpid(), 9)\n"
        "    return real(*rest)\n"
        "k.run_transaction = run"
    )
    database = f"DATABASE={postgres_url}"
    assert crawl(archive, database, before=before).returncode == -9
    again = crawl(archive, database)
    assert again.returncode == 0, again.stderr
    assert "recovered 1 file(s) left open" in again.stderr
    content = content_of(postgres_url)
    assert (len(content["articles"]), len(content["captures"])) == (60, 133)
    findings = Findings()
    check_files(archive.folder, findings)
    assert not findings


def test_a_site_that_cannot_be_recovered_keeps_no_other_from_it(
    archive: TestArchive, capfd: pytest.CaptureFixture[str]
) -> None:
    """As a worker of many machines recovers its folder."""
    with portals(archive, 2):
        spoiled, left = (archive.folder / "warc" / site / "a.warc.gz.open" for site in ("p0", "p1"))
        spoiled.mkdir(parents=True)  # no file at all: it cannot be read
        left.parent.mkdir(parents=True)
        left.touch()
        assert recover_free(archive.open()) == Exit.FAILED
    assert not left.exists()
    told = capfd.readouterr().err
    assert "p0: " in told and "tinhuyen recover p0" in told and "p1: " in told
