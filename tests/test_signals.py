"""Ctrl-C and SIGTERM: finish, close, say where to resume; a second one: at once, still sound."""

from __future__ import annotations

import signal
import socket
import sys

import pytest

from storage.folder import OPEN_SUFFIX
from tests.conftest import TestArchive
from tests.crawling import SITE, command, connect, end, started, wait_for_captures
from tests.torture.checks import ARTICLES, Findings, check_files, check_rebuild, rows

TINHUYEN = [sys.executable, "-c", "from crawler.cli import main; main()", "crawl", "demo"]


@pytest.mark.parametrize(
    ("sign", "kept"), [(signal.SIGTERM, 1), (signal.SIGINT, 20), (signal.SIGTERM, 60)]
)
def test_a_signal_ends_a_crawl_well(archive: TestArchive, sign: signal.Signals, kept: int) -> None:
    one_at_a_time = "CONCURRENT_REQUESTS=1"
    with started(archive, command(one_at_a_time)) as process:
        wait_for_captures(archive, kept)
        code, errors = end(process, sign)

    assert code == 1, errors
    assert "still to fetch; `tinhuyen crawl demo` goes on" in errors
    assert not list(archive.folder.glob(f"warc/*/*{OPEN_SUFFIX}"))
    findings = Findings()
    check_files(archive.folder, findings)
    assert not findings
    assert archive.scrapy("crawl", "demo").returncode == 0
    assert len(rows(archive.folder / "archive.db", ARTICLES)) == 60
    assert len(archive.open().runs("demo")) == 1


def test_a_second_signal_ends_it_at_once(archive: TestArchive) -> None:
    """The first waits for what is in flight, here for a server that never answers."""
    archive.declare(SITE.format(id="hung", delay=0.0))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        words = command(connect(address, "hung.localhost"), site="hung")
        with started(archive, words) as process:
            connection, _ = server.accept()
            code, errors = end(process, signal.SIGINT, signal.SIGINT)
            connection.close()
    assert code == 1, errors
    assert "broken off at once; `tinhuyen crawl hung` makes the archive whole" in errors


def test_tinhuyen_says_it_too(archive: TestArchive) -> None:
    with started(archive, TINHUYEN) as process:
        wait_for_captures(archive, 1)
        code, errors = end(process, signal.SIGTERM)
    assert code == 1
    assert "still to fetch; `tinhuyen crawl demo` goes on" in errors


def test_after_a_stop_the_database_can_be_rebuilt_and_the_crawl_goes_on(
    archive: TestArchive,
) -> None:
    with started(archive, command("CONCURRENT_REQUESTS=1")) as process:
        wait_for_captures(archive, 30)
        end(process, signal.SIGTERM)
    findings = Findings()
    check_rebuild(archive.folder, findings)
    assert not findings
    again = archive.scrapy("crawl", "demo")
    assert again.returncode == 0, again.stderr
    [run] = archive.open().runs("demo")
    assert (run["counts"]["captures"], run["counts"]["articles"]) == (133, 60)
