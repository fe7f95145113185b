"""PostgreSQL goes away and comes back: nothing is lost, nothing twice, and people are told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from storage.archive import Archive
from storage.database import connect
from storage.database.connect import open_database, run_transaction
from storage.errors import ArchiveFault
from tests import serving
from tests.changing_portal import ChangingPortal
from tests.conftest import TestArchive
from tests.crawling import started
from tests.postgres import Server, running
from tests.torture.checks import (
    ARTICLES,
    Findings,
    check_files,
    records_by_fastwarc,
    rows_on_server,
)
from tests.waiting import wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.embedded("stops a server of its own")]

SLOW = "DOWNLOAD_DELAY=0.02"
WHAT_TO_DO = "see that it runs, and run the same command again"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as made:
        yield made


def wait_for_captures(url: str, count: int) -> None:
    so_far = "SELECT count(*) FROM capture"
    wait_for(lambda: int(rows_on_server(url, so_far)[0][0]) >= count, 200)


def database(server: Server, name: str) -> str:
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    url = server.url.rpartition("/")[0] + f"/{name}"
    open_database(url).dispose()
    return url


def test_in_mid_crawl_it_stops_cleanly_and_goes_on(
    server: Server, archive: TestArchive, tmp_path: Path
) -> None:
    with ChangingPortal(60) as portal:
        archive.declare(portal.table)
        url = database(server, "crawled")
        code = "from crawler.cli import main; main()"
        words = [sys.executable, "-c", code, "--database", url, "crawl", "song"]
        with started(archive, words) as process:
            wait_for_captures(url, 15)
            with server.away():
                told = process.communicate(timeout=200)[1]
        assert process.returncode == 1, told
        assert WHAT_TO_DO in told and "Traceback" not in told
        kept = {str(path) for (path,) in rows_on_server(url, "SELECT url FROM capture")}
        assert 15 <= len(kept) < 71

        portal.asked.clear()
        again = archive._run(words, 200)
        assert again.returncode == 0, again.stderr
        assert not kept & {f"{portal.url}{path}" for path in portal.asked}
        [undisturbed] = undisturbed_of(portal, tmp_path)
        assert rows_on_server(url, ARTICLES) == undisturbed
    [(captures,)] = rows_on_server(url, "SELECT count(*) FROM capture")
    findings = Findings()
    check_files(archive.folder, findings)
    assert len(records_by_fastwarc(archive.folder, findings)) == captures
    twice = "SELECT url FROM capture GROUP BY run, url HAVING count(*) > 1"
    assert rows_on_server(url, twice) == [] and not findings


def undisturbed_of(portal: ChangingPortal, folder: Path) -> list[list[tuple[Any, ...]]]:
    other = TestArchive(folder / "undisturbed")
    other.declare(portal.table)
    done = other.scrapy("crawl", "song")
    assert done.returncode == 0, done.stderr
    return [rows_on_server(other.open().database_url, ARTICLES)]


def test_a_server_that_is_started_anew_is_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "_RETRY_SECONDS", (0.5,) * 100)
    engine = open_database(database(server, "restarted"))
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE t (n integer)"))
    server.stop()
    back = threading.Timer(1.0, server.start)
    back.start()
    run_transaction(engine, lambda tx: tx.execute(text("INSERT INTO t VALUES (1)")))
    back.join()
    assert rows_on_server(str(engine.url), "SELECT n FROM t") == [(1,)]
    engine.dispose()


def test_readers_are_told_and_go_on_when_it_is_back(
    server: Server, demo_archive: TestArchive
) -> None:
    url = database(server, "read")
    copied = demo_archive.tinhuyen("db", "copy", demo_archive.open().database_url, url)
    assert copied.returncode == 0, copied.stderr
    with serving.served(demo_archive, "--database", url, "serve") as reading:
        assert "huyện" in reading.room.get("/", params={"q": "huyện"}).text
        notebook = Archive(demo_archive.folder, url)
        assert len(notebook.search("huyện", limit=5)) == 5
        with server.away():
            away = reading.room.get("/", params={"q": "huyện"})
            assert away.status_code == 503 and "try again later" in away.json()["error"]
            told = demo_archive.tinhuyen("--database", url, "search", "huyện")
            assert told.returncode == 1 and WHAT_TO_DO in told.stderr
            assert "Traceback" not in told.stderr
            with pytest.raises(ArchiveFault, match=WHAT_TO_DO):
                notebook.search("huyện", limit=5)
        assert reading.room.get("/", params={"q": "huyện"}).status_code == 200
        assert len(notebook.search("huyện", limit=5)) == 5
        notebook.close()
