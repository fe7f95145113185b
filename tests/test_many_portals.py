"""The many portals themselves: that they can be crawled, and that their log shows who misbehaves."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from scrapy.settings import Settings
from sqlalchemy import func, select

from crawler.limits import connect_to_of
from crawler.sites import load_sites
from storage.database.schema import article
from storage.errors import UsageError
from tests.conftest import TestArchive
from tests.many_portals import (
    Asked,
    Served,
    at_once,
    draw_portals,
    never_served,
    read_log,
    served,
    smallest_gap,
    too_soon,
)
from tests.many_portals.pages import articles_of

DELAY = 0.1


def test_the_same_seed_draws_the_same_portals() -> None:
    portals = draw_portals(700, seed=7)
    assert portals == draw_portals(700, seed=7) != draw_portals(700, seed=8)
    assert len({portal.id for portal in portals}) == len({portal.host for portal in portals}) == 700
    assert len({portal.name for portal in portals}) > 600  # districts of one name there are
    sharing = 700 - len({portal.address for portal in portals})
    assert 200 < sharing < 500
    with pytest.raises(ValueError, match="759"):
        draw_portals(760, seed=7)


def test_they_are_declared_as_sites(archive: TestArchive) -> None:
    portals = draw_portals(759, seed=7)
    Served(portals, Path(), {}, 0).declare(archive.folder, 0.5)
    sites = load_sites(archive.folder / "sites")
    assert {portal.id for portal in portals} < set(sites)
    site = sites[portals[0].id]
    assert site.hosts == (portals[0].host,) and site.delay_seconds == 0.5
    assert site.province == portals[0].province and site.district == portals[0].district


def test_a_portal_is_crawled_whole_and_politely(
    archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    [portal, other, *_] = draw_portals(3, seed=7, articles=6)
    portal = replace(portal, articles=25, images=1, missing=0.2, busy=0.0)
    with served([portal, other], archive.folder.parent) as server:
        server.declare(archive.folder, 0.02)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        crawled = archive.scrapy("crawl", portal.id)
        log = read_log(server.log)

    there = len(articles_of(portal, portal.articles))
    assert crawled.returncode == 0, crawled.stderr
    opened = archive.open()
    with opened.reading() as connection:
        kept = connection.scalar(select(func.count()).select_from(article))
    opened.close()
    assert kept == there < 25
    assert not never_served(log, [portal]) and never_served(log, [other])
    assert not at_once(log)
    assert len({asked.connection for asked in log}) == 1
    assert {asked.status for asked in log} == {200, 404}
    assert smallest_gap(log) > 0
    assert log[0].path == "/robots.txt" and log[0].agent.startswith("tinhuyen/")


def test_first_turned_away_then_served_and_never_more_than_there_is(tmp_path: Path) -> None:
    [portal] = draw_portals(1, seed=7, articles=3)
    portal = replace(portal, busy=1.0, answer_seconds=0)
    with served([portal], tmp_path) as server:
        address = server.connect_to[f"{portal.host}:80"]
        found = [_status(address, portal.host, "/vi/news/") for _ in range(2)]
        found.append(_status(address, "another.test", "/vi/news/"))
    assert found == [503, 200, 404]
    assert [asked.status for asked in read_log(server.log)] == found


def _status(address: str, host: str, path: str) -> int:
    asked = urllib.request.Request(f"http://{address}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(asked) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def asked(start: float, host: str = "a.test", connection: int = 1, address: str = "1") -> Asked:
    return Asked(start, start + 0.01, address, host, "/", 200, connection, "x")


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ([asked(0), asked(0.1), asked(0.2)], 0),
        ([asked(0), asked(0.05), asked(0.2)], 2),  # of the host, and of its address
        ([asked(0), asked(0.05, "b.test"), asked(0.2, "c.test", address="2")], 1),
        ([asked(0), asked(0.05, "b.test", address="2")], 0),
    ],
)
def test_the_log_shows_who_comes_too_soon(log: list[Asked], found: int) -> None:
    assert len(too_soon(log, DELAY)) == found


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ([asked(0), asked(1), asked(2, connection=2), asked(3, connection=2)], 0),
        ([asked(0), asked(1, connection=2), asked(2)], 1),
        ([asked(0), asked(1, "b.test", connection=2), asked(2)], 0),
        ([asked(0), asked(1, connection=2), asked(1.5, connection=3), asked(2)], 2),
        ([asked(0), asked(0.005, connection=2)], 1),
    ],
)
def test_the_log_shows_two_crawls_at_a_time(log: list[Asked], found: int) -> None:
    assert len(at_once(log)) == found


@pytest.mark.parametrize("given", ["{", "5", '{"a.test": "127.0.0.1:80"}', '{"a.test:80": 5}'])
def test_a_wrong_connect_to_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="TINHUYEN_CONNECT_TO"):
        connect_to_of(Settings({"CONNECT_TO": given}))


def test_a_wrong_connect_to_is_said(archive: TestArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINHUYEN_CONNECT_TO", "{")
    crawled = archive.scrapy("crawl", "demo")
    assert crawled.returncode == 2
    assert "TINHUYEN_CONNECT_TO" in crawled.stderr and "Traceback" not in crawled.stderr


def test_who_sends_other_hosts_elsewhere_still_has_the_demo(
    archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINHUYEN_CONNECT_TO", json.dumps({"a.test:80": "127.0.0.1:9"}))
    assert archive.scrapy("crawl", "demo", "-s", "RUN_MAX_REQUESTS=2").returncode == 4
