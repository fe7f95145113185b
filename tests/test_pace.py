"""Politeness as a promise: the delay holds for a host, for a server that hosts share, and between
processes. Only least times are asserted, as the server saw them: a slow machine cannot break them.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from crawler.frontier.pace import NotYet, Pace, PaceLimits
from crawler.outcome import Limits, retry_after
from storage import times as clock
from storage.database.connect import open_database
from storage.database.turns import end_turns, take_turn
from storage.records import Capture
from tests.conftest import TestArchive
from tests.misbehaving import MisbehavingServer, page
from tests.test_faults import declare, options

DELAY = 0.3
SEEN = 0.8 * DELAY
"""What the server must see of the delay: the way of a request may take some of it."""


def gaps(server: MisbehavingServer) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(server.requests)]


def test_hosts_that_share_a_server_share_its_delay(archive: TestArchive) -> None:
    hosts = ["a.test", "b.test", "c.test"]
    with MisbehavingServer() as server:
        links = [f"http://{host}/page/{n}" for n in range(2) for host in hosts]
        server.pages["/"] = page("Chung máy chủ", *links)
        elsewhere = {f"{host}:80": f"127.0.0.1:{server.port}" for host in hosts}
        declare(archive, "http://a.test/", hosts=hosts, delay=DELAY)
        crawled = archive.scrapy("crawl", "bad", *options(CONNECT_TO=json.dumps(elsewhere)))
        assert crawled.returncode == 0, crawled.stderr
        assert {asked.host for asked in server.requests} == set(hosts)
        assert len(server.requests) == 3 + 1 + 6
        assert min(gaps(server)) > SEEN


def test_two_processes_share_the_time_of_a_server(archive: TestArchive) -> None:
    with MisbehavingServer() as server:
        server.pages["/"] = page("Hai tiến trình", *[f"/page/{n}" for n in range(3)])
        for name in ("one", "two"):
            host = f"{name}.test"
            declare(archive, f"http://{host}/", id=name, hosts=[host], delay=DELAY)
        archive.open().open_for_writing().dispose()  # migrated before both begin
        elsewhere = {f"{name}.test:80": f"127.0.0.1:{server.port}" for name in ("one", "two")}
        settings = options(CONNECT_TO=json.dumps(elsewhere), TURN_SECONDS=DELAY)
        crawls = [
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "scrapy", "crawl", name, *settings],
                env=archive.environment, cwd=archive.folder.parent, stderr=subprocess.DEVNULL,
            )
            for name in ("one", "two")
        ]  # fmt: skip
        assert [crawl.wait(timeout=60) for crawl in crawls] == [0, 0]
        assert len(server.requests) == 2 * 5
        assert min(gaps(server)) > SEEN


def test_a_crawl_that_is_over_holds_nothing_up(archive: TestArchive) -> None:
    with MisbehavingServer() as server:
        server.pages["/"] = page("Một trang", "/page")
        declare(archive, f"{server.url}/", delay=DELAY)
        archive.scrapy("crawl", "bad", *options(TURN_SECONDS=500))
    with archive.open().open_for_writing().begin() as tx:
        latest = tx.execute(text("SELECT max(until) FROM turn")).scalar()
        assert latest is not None and latest <= time.time() + DELAY


def test_the_run_of_turns_between_crawls(archive: TestArchive) -> None:
    engine = open_database(f"sqlite:///{archive.folder}/turns.db")
    with engine.begin() as tx:
        assert take_turn(tx, ["a", "10.0.0.1"], "first", now=1000, seconds=10) == 0
        assert take_turn(tx, ["b", "10.0.0.1"], "first", now=1001, seconds=10) == 0  # its own
        assert take_turn(tx, ["c", "10.0.0.1"], "second", now=1002, seconds=10) == 9
        assert take_turn(tx, ["c", "10.0.0.1"], "third", now=1002, seconds=10) == 19
        assert (
            take_turn(tx, ["d", "10.0.0.2"], "third", now=1002, seconds=10) == 0
        )  # another server
        end_turns(tx, "third", until=1003)
        assert take_turn(tx, ["c", "10.0.0.1"], "fourth", now=1004, seconds=10) == 0
    engine.dispose()


def test_a_clock_set_back_holds_nothing_up(archive: TestArchive) -> None:
    engine = open_database(f"sqlite:///{archive.folder}/turns.db")
    with engine.begin() as tx:
        take_turn(tx, ["a"], "first", now=1_000_000, seconds=10)
        assert take_turn(tx, ["a"], "second", now=1_000_000 - 3600, seconds=10) == 0
    engine.dispose()


def test_a_clock_set_back_makes_no_row_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    due = clock.steady() + 1
    monkeypatch.setattr(time, "time", lambda: due - 3600)
    assert 0 < due - clock.steady() <= 1


async def at_once(keys: list[str], seconds: float) -> float:
    return 0.0


LIMITS = PaceLimits(delay=0.01, crawl_delay_max=30, slowest=60, busy_answers=9, turn=10)


def test_a_run_that_goes_on_waits_as_if_it_had_just_asked() -> None:
    """Who was killed may have asked a moment ago; its turns are the run's, and hold nothing up."""
    pace = Pace(LIMITS, at_once)
    pace.obey("a.vn", 30)
    pace.resume()
    with pytest.raises(NotYet):
        asyncio.run(pace.turn("a.vn", ["10.0.0.1"], own=True))
    assert 29 < pace.wait("a.vn") <= 30


def test_a_host_that_turns_us_away_is_asked_ever_less_and_then_as_before() -> None:
    pace = Pace(LIMITS, at_once)
    delays = []
    for _ in range(8):
        pace.answered("a.vn", 429, None)
        delays.append(pace.delay("a.vn"))
    assert delays == [2, 4, 8, 16, 32, 60, 60, 60]
    assert pace.delay("b.vn") == 0.01
    assert 59 < pace.wait("a.vn") <= 60
    for _ in range(50):
        pace.answered("a.vn", 200, None)
    assert pace.delay("a.vn") == 0.01


def test_what_a_server_asks_for_holds_for_the_whole_host() -> None:
    pace = Pace(LIMITS, at_once)
    pace.answered("a.vn", 503, 300)
    assert 299 < pace.wait("a.vn") <= 300


def test_a_request_that_would_wait_long_goes_back() -> None:
    async def later(keys: list[str], seconds: float) -> float:
        return 7.0

    pace = Pace(LIMITS, later)
    with pytest.raises(NotYet):
        asyncio.run(pace.turn("a.vn", ["203.0.113.1"], own=True))
    assert 6 < pace.wait("a.vn") <= 7


def test_what_was_sent_late_holds_up_what_comes_after() -> None:
    """Three hosts of one server; the event loop is busy when the second may be asked."""
    pace, sent = Pace(replace(LIMITS, delay=0.05), at_once), []

    async def ask(host: str) -> None:
        await pace.turn(host, ["127.0.0.1"], own=True)
        sent.append(time.monotonic())

    async def crawl() -> None:
        asked = [asyncio.create_task(ask(host)) for host in ("a.test", "b.test", "c.test")]
        await asyncio.sleep(0.01)
        time.sleep(0.2)  # as a page that takes long to read
        await asyncio.gather(*asked)

    asyncio.run(crawl())
    assert min(later - earlier for earlier, later in pairwise(sent)) >= 0.05


def test_no_table_makes_a_foreign_server_faster() -> None:
    pace = Pace(
        PaceLimits(delay=0, crawl_delay_max=30, slowest=60, busy_answers=9, turn=10), at_once
    )
    asyncio.run(pace.turn("own.test", ["127.0.0.1"], own=True))
    assert pace.wait("own.test") == 0
    asyncio.run(pace.turn("a.vn", ["203.0.113.1"], own=False))
    assert 0.9 < pace.wait("a.vn") <= 1


@pytest.mark.parametrize("asked", [0.5, 5, 1e9])
def test_crawl_delay_has_a_cap(asked: float) -> None:
    pace = Pace(LIMITS, at_once)
    pace.obey("a.vn", asked)
    assert pace.delay("a.vn") == min(asked, LIMITS.crawl_delay_max)


AT = clock.parse_utc("2026-01-01T00:00:00Z")


def asked_for(value: str) -> float | None:
    capture = Capture("http://a.vn/", AT, 503, (("Retry-After", value),), b"")
    return retry_after(capture, Limits(retry_after_max_seconds=3600))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
        ("Thu, 01 Jan 2026 07:02:00 +0700", 120),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),  # gone by
        ("9" * 400, 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_in_both_forms_and_absurd(value: str, seconds: float | None) -> None:
    assert asked_for(value) == seconds


@given(st.text())
def test_retry_after_never_raises(value: str) -> None:
    seconds = asked_for(value)
    assert seconds is None or 0 <= seconds <= 3600
