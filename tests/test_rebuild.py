"""The database follows from WARC files, manifest and journal: rebuilt, it is the same."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text

from storage.database.schema import note, schedule
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.crawling import SITE, connect, crawl
from tests.databases import on_server
from tests.torture.processes import portal


def content(archive: TestArchive) -> dict[str, list[dict[str, object]]]:
    return content_of(archive.open().database_url)


def rebuild(archive: TestArchive) -> str:
    done = archive.tinhuyen("rebuild")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rebuilt_after_two_crawls_and_an_update_it_is_equal(archive: TestArchive) -> None:
    for mode in ("full", "full", "update"):
        crawled = archive.scrapy("crawl", "demo", "-s", f"CRAWL_MODE={mode}")
        assert crawled.returncode == 0, crawled.stderr
    before = content(archive)
    assert len(before["runs"]) == 3
    assert len(before["articles"]) == 60
    assert len(before["failures"]) > 0

    out = rebuild(archive)

    assert "60 articles, 3 runs of 1 site(s)" in out
    assert not differences(before, content(archive))
    assert (archive.folder / "archive.db.before-rebuild").exists() is not on_server()


@pytest.fixture
def crawled(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    """A copy of the demo's archive, to be damaged."""
    return demo_archive.copy(tmp_path / "archive")


@pytest.mark.embedded("a rebuild swaps its file")
def test_a_damaged_database_is_rebuilt(demo_archive: TestArchive, crawled: TestArchive) -> None:
    database = crawled.folder / "archive.db"
    (crawled.folder / "archive.db-wal").unlink(missing_ok=True)
    data = bytearray(database.read_bytes())
    data[:40_000] = bytes(40_000)
    database.write_bytes(data)
    assert "cannot open the database" in crawled.tinhuyen("crawl", "demo").stderr

    rebuild(crawled)

    assert not differences(content(demo_archive), content(crawled))
    assert (crawled.folder / "archive.db.before-rebuild").read_bytes() == bytes(data)


def test_a_lost_database_is_rebuilt(demo_archive: TestArchive, crawled: TestArchive) -> None:
    for path in crawled.folder.glob("archive.db*"):
        path.unlink()
    rebuild(crawled)
    assert not differences(content(demo_archive), content(crawled))


@pytest.mark.embedded("a rebuild swaps its file")
def test_a_rebuild_that_is_killed_changes_nothing_and_begins_anew(crawled: TestArchive) -> None:
    before = content(crawled)
    killed = "import crawler.rebuild as r, os\n"
    for where in ("_relive", "new._swap", "new.files.rename"):
        code = (
            f"{killed}r.{where} = lambda *_: os.kill(os.getpid(), 9)\n"
            "from crawler.cli import main; main()"
        )
        done = crawled._run([sys.executable, "-c", code, "rebuild"], 60)
        assert done.returncode == -signal.SIGKILL
        assert not differences(before, content(crawled))
    rebuild(crawled)
    assert not differences(before, content(crawled))
    assert [path.name for path in crawled.folder.glob("archive.db*")] == [
        "archive.db", "archive.db.before-rebuild"
    ]  # fmt: skip


@pytest.mark.embedded("a rebuild swaps its file")
def test_the_database_of_an_earlier_rebuild_is_not_written_over(crawled: TestArchive) -> None:
    rebuild(crawled)
    refused = crawled.tinhuyen("rebuild")
    assert refused.returncode == 2
    assert "archive.db.before-rebuild is still there" in refused.stderr


@pytest.mark.embedded("a rebuild swaps its file")
def test_a_database_that_is_read_is_not_taken_away(crawled: TestArchive) -> None:
    with crawled.open().reading() as connection:
        connection.execute(text("SELECT count(*) FROM capture")).scalar()
        refused = crawled.tinhuyen("rebuild")
    assert refused.returncode == 7
    assert "stop what reads it" in refused.stderr


def test_failures_without_bytes_come_from_the_journal(archive: TestArchive) -> None:
    """No such server: robots.txt cannot be had, so nothing may be fetched."""
    archive.declare(SITE.format(id="nobody", delay=0.0))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    settings = connect(address, "nobody.localhost"), "MAX_TRIES=1"
    refused = crawl(archive, *settings, site="nobody")
    assert refused.returncode == 5, refused.stderr
    before = content(archive)
    assert {row["kind"] for row in before["failures"]} == {"refused", "robots_unreachable"}
    rebuild(archive)
    assert not differences(before, content(archive))


def test_a_failure_told_and_then_fetched_after_all_did_not_happen(crawled: TestArchive) -> None:
    """A crash between the journal's line and the commit: the row was tried again."""
    before = content(crawled)
    journal = crawled.folder / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines()
    told = json.loads(next(line for line in lines if '"failure"' in line))
    begun = json.loads(lines[1])
    told |= {
        "url": "http://demo.localhost/",
        "at": begun["at"],
        "what": "refused",
        "skipped": False,
    }
    journal.write_text("\n".join([*lines[:2], json.dumps(told), *lines[2:], ""]), encoding="utf-8")
    rebuild(crawled)
    assert not differences(before, content(crawled))


def test_a_site_whose_table_is_gone_is_rebuilt_from_the_journal(archive: TestArchive) -> None:
    archive.declare(SITE.format(id="gone", delay=0.0))
    with portal() as address:
        crawled = crawl(archive, connect(address, "gone.localhost"), site="gone")
    assert crawled.returncode == 0, crawled.stderr
    before = content(archive)
    (archive.folder / "sites" / "test-0.toml").unlink()
    rebuild(archive)
    assert not differences(before, content(archive))


def test_schedules_and_notes_are_decisions_that_a_rebuild_keeps(crawled: TestArchive) -> None:
    for words in (
        ("schedule", "add", "demo", "--every", "6h"),
        ("schedule", "add", "demo", "--cron", "0 1 1 * *", "--mode", "full"),
        ("schedule", "pause", "demo"),
        ("note", "demo", "Mẫu", "--verdict", "good"),
    ):
        assert crawled.tinhuyen(*words).returncode == 0
    before = decisions(crawled)
    assert "not read here" not in rebuild(crawled)
    assert decisions(crawled) == before
    assert len(before) == 3


def decisions(archive: TestArchive) -> list[str]:
    opened = archive.open()
    with opened.reading() as connection:
        found = [*connection.execute(select(schedule)), *connection.execute(select(note))]
    opened.close()
    return sorted(map(str, found))


@pytest.mark.postgres
def test_an_empty_postgresql_database_is_filled(
    demo_archive: TestArchive, crawled: TestArchive, postgres_url: str
) -> None:
    words = ["--database", postgres_url, "rebuild"]
    assert crawled.tinhuyen(*words).returncode == 0
    assert not differences(content(demo_archive), content_of(postgres_url))
    again = crawled.tinhuyen(*words)
    assert again.returncode == 2
    assert "holds an archive already" in again.stderr


def test_what_a_crash_left_open_is_rebuilt_too_even_if_the_database_is_lost(
    archive: TestArchive,
) -> None:
    killed = (
        "import os, storage.keeper as k\n"
        "real, rounds = k.run_transaction, []\n"
        "def run(*rest):\n"
        "    rounds.append(1)\n"
        "    if len(rounds) == 14: os.kill(os.getpid(), 9)\n"
        "    return real(*rest)\n"
        "k.run_transaction = run"
    )
    assert crawl(archive, before=killed).returncode == -signal.SIGKILL
    if not on_server():
        for path in archive.folder.glob("archive.db*"):
            path.unlink()
        (archive.folder / "archive.db").write_bytes(b"no database at all" * 1000)
        refused = archive.tinhuyen("rebuild")
        assert refused.returncode == 2
        assert "Move archive.db away" in refused.stderr
        (archive.folder / "archive.db").unlink()

    rebuild(archive)

    captures = content(archive)["captures"]
    assert len(captures) > 10
    assert not [row for row in captures if row["reading"] == "pending"]
    again = archive.scrapy("crawl", "demo")
    assert again.returncode == 0, again.stderr
    [run] = archive.open().runs("demo")
    assert (run["counts"]["captures"], run["counts"]["articles"]) == (133, 60)


def test_damage_in_a_warc_file_is_said(crawled: TestArchive) -> None:
    [path] = crawled.warc_files()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)

    done = crawled.tinhuyen("rebuild")

    assert done.returncode == 6
    assert "hold no whole exchange" in done.stderr
    assert "132 captures" in done.stdout
