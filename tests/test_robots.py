"""robots.txt by RFC 9309, from hosts that answer it in every way there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import text

from tests.conftest import TestArchive
from tests.misbehaving import ROBOTS, MisbehavingServer, page
from tests.test_faults import Faulty, declare, options

HOSTS = (*ROBOTS, "robots-none.test")
CAPS = {
    "DOWNLOAD_TIMEOUT": 2,
    "MAX_TRIES": 2,
    "RETRY_SECONDS": 0.01,
    "SLOWEST_DELAY_SECONDS": 0.02,
}


def crawl(archive: TestArchive, server: MisbehavingServer) -> Faulty:
    elsewhere = {f"{host}:80": f"127.0.0.1:{server.port}" for host in HOSTS}
    crawled = archive.scrapy("crawl", "bad", *options(**CAPS, CONNECT_TO=json.dumps(elsewhere)))
    return Faulty(archive, server, crawled.returncode, crawled.stderr)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> TestArchive:
    made = TestArchive(tmp_path_factory.mktemp("robots") / "archive")
    made.folder.mkdir()
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[MisbehavingServer]:
    links = [f"http://{host}/{name}" for host in HOSTS for name in ("page", "private")]
    with MisbehavingServer(pages={"/": page("Mọi robots", *links, "/page/1", "/page/2")}) as made:
        yield made


@pytest.fixture(scope="module")
def crawled(archive: TestArchive, server: MisbehavingServer) -> Faulty:
    declare(archive, "http://robots-delay.test/", hosts=list(HOSTS))
    return crawl(archive, server)


OBEYED = ("robots-ok.test", "robots-redirect.test", "robots-huge.test")
OPEN = ("robots-403.test", "robots-none.test", "robots-html.test", "robots-circle.test")
CLOSED = ("robots-503.test", "robots-timeout.test", "robots-cut.test")


@pytest.mark.parametrize("host", OBEYED)
def test_rules_are_obeyed(crawled: Faulty, host: str) -> None:
    assert "/page" in crawled.server.asked(host)
    assert "/private" not in crawled.server.asked(host)
    assert crawled.failures[f"http://{host}/private"] == {"robots"}


@pytest.mark.parametrize("host", OPEN)
def test_no_rules_is_no_prohibition(crawled: Faulty, host: str) -> None:
    """4xx (§2.3.1.3), more than five redirects (§2.3.1.2), and a page instead of rules."""
    assert {"/page", "/private"} <= set(crawled.server.asked(host))


@pytest.mark.parametrize("host", CLOSED)
def test_a_host_whose_rules_cannot_be_had_is_closed_for_now(crawled: Faulty, host: str) -> None:
    assert {path.partition("?")[0] for path in crawled.server.asked(host)} == {"/robots.txt"}
    for name in ("page", "private"):
        assert crawled.failures[f"http://{host}/{name}"] == {"robots_unreachable"}
    assert crawled.code == 4


def test_robots_txt_is_archived(crawled: Faulty) -> None:
    for host in HOSTS:
        kept = crawled.captures[f"http://{host}/robots.txt"]
        assert bool(kept) is (host != "robots-timeout.test")


def test_crawl_delay_is_applied(crawled: Faulty) -> None:
    """Between what came to this host there are the 0.3 s that it asks for, robots.txt apart."""
    times = [asked.at for asked in crawled.server.requests if asked.host == "robots-delay.test"]
    assert len(times) == 6  # robots.txt, the list, two links to the host itself, two relative ones
    gaps = [later - earlier for earlier, later in pairwise(times[1:])]
    assert min(gaps) > 0.25  # the request's way may take some of it


def test_the_next_run_asks_again_and_meanwhile_the_last_copy_holds(
    archive: TestArchive, server: MisbehavingServer, crawled: Faulty
) -> None:
    """robots-ok's robots.txt is gone: its rules of a moment ago hold. robots-503's has come back.
    robots-huge's is gone too, and the copy too old.
    """
    del server.requests[:]
    with archive.open().open_for_writing().begin() as tx:
        aged = "UPDATE robots SET fetched_at = '2020-01-01' WHERE origin LIKE '%huge%'"
        tx.execute(text(aged))
    server.broken.add("robots-huge.test")
    broken, ROBOTS["robots-ok.test"] = ROBOTS["robots-ok.test"], ROBOTS["robots-503.test"]
    healed = ROBOTS.pop("robots-503.test")
    try:
        again = crawl(archive, server)
    finally:
        ROBOTS["robots-ok.test"], ROBOTS["robots-503.test"] = broken, healed
    assert "/page" in server.asked("robots-ok.test")
    assert "/private" not in server.asked("robots-ok.test")
    assert {"/page", "/private"} <= set(server.asked("robots-503.test"))
    assert set(server.asked("robots-huge.test")) == {"/robots.txt"}
    assert "robots_unreachable" in again.failures["http://robots-huge.test/page"]
    with again.archive.open().open_for_writing().begin() as tx:
        assert (
            tx.execute(text("SELECT count(*) FROM frontier WHERE state = 'queued'")).scalar() == 0
        )
