"""Two processes and one archive: one crawl a site, and any number of sites beside each other."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TestArchive
from tests.crawling import SITE, command, connect, end, started, wait_for_captures
from tests.torture.checks import Findings, check_files, check_rebuild, rows
from tests.torture.processes import portal

TINHUYEN = [sys.executable, "-c", "from crawler.cli import main; main()", "crawl", "demo"]
SCRAPY = [sys.executable, "-W", "ignore", "-m", "scrapy", "crawl", "demo"]


@pytest.mark.parametrize(("first", "second"), [(TINHUYEN, SCRAPY), (SCRAPY, TINHUYEN)])
def test_the_second_crawl_of_a_site_ends_with_7_and_a_sentence(
    archive: TestArchive, first: list[str], second: list[str]
) -> None:
    with started(archive, first) as process:
        wait_for_captures(archive, 1)
        process.send_signal(signal.SIGSTOP)  # it holds the site for as long as we look
        refused = archive._run(second, 60)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)

    assert refused.returncode == 7
    assert f"demo is being crawled by process {process.pid}; wait for it" in refused.stderr
    assert process.returncode == 0


def test_nothing_is_rebuilt_while_a_crawl_is_under_way(archive: TestArchive) -> None:
    with started(archive, SCRAPY) as process:
        wait_for_captures(archive, 1)
        process.send_signal(signal.SIGSTOP)
        refused = archive.tinhuyen("rebuild")
        process.send_signal(signal.SIGCONT)
        code, errors = end(process, signal.SIGTERM)
    assert refused.returncode == 7
    assert f"the archive is in use by process {process.pid}" in refused.stderr
    assert code in (0, 1), errors


def test_two_sites_are_crawled_into_one_archive_at_once(archive: TestArchive) -> None:
    """Their writers wait for each other; journal and manifest take lines of both."""
    for id_ in ("one", "two"):
        archive.declare(SITE.format(id=id_, delay=0.0))
    with portal() as address:
        words = {
            id_: command(connect(address, f"{id_}.localhost"), "WARC_ROLL_BYTES=100000", site=id_)
            for id_ in ("one", "two")
        }
        with started(archive, words["one"]) as one, started(archive, words["two"]) as two:
            ended = {process: process.communicate(timeout=120)[1] for process in (one, two)}

    assert [process.returncode for process in ended] == [0, 0], ended.values()
    counts = rows(
        archive.folder / "archive.db",
        "SELECT site || ' ' || count(*) FROM articles GROUP BY site ORDER BY site",
    )
    assert len({count.split()[1] for (count,) in counts}) == 1
    assert len(archive.warc_files()) > 4
    findings = Findings()
    check_files(archive.folder, findings)
    check_rebuild(archive.folder, findings)
    assert not findings


def test_a_new_archive_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """Who comes second waits, for the first to switch to WAL and for its migrations."""
    code = "import sys; from storage.database.connect import open_database as o; o(sys.argv[1]).dispose()"
    for number in range(4):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        words = [sys.executable, "-c", code, url]
        opening = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(4)]
        said = [process.communicate(timeout=60)[1] for process in opening]
        assert [process.returncode for process in opening] == [0] * 4, said
