"""Rows claimed: each once, whatever robots.txt bars between them; suspects alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage.database.connect import open_database
from storage.database.frontier import Frontier
from storage.database.queue import Finished
from storage.database.runs import SiteRow, save_site, start_run
from storage.records import FrontierRow, Link

HOST = "http://a.vn"


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Connection]:
    engine = open_database(f"sqlite:///{tmp_path / 'archive.db'}")
    with engine.begin() as connection:
        save_site(connection, site_row("a"))
        yield connection
    engine.dispose()


def site_row(id_: str) -> SiteRow:
    return SiteRow(
        id_, id_, "party", ["a.vn"], None, None, None, "generic", "open", None, None, "declared"
    )


def opened(tx: Connection, links: list[Link], rules: str = "") -> Frontier:
    """A frontier whose robots.txt is known."""
    run = start_run(tx, "a", "crawl", "full")
    frontier = Frontier("a", run.id, update_only=False)
    frontier.open(tx, links, resumed=False)
    frontier.committed()
    [robots] = claim(tx, frontier, 10)
    frontier.set_rules(tx, robots, rules)
    frontier.finish(tx, [Finished(robots, "done")])
    return frontier


def claim(tx: Connection, frontier: Frontier, room: int) -> list[FrontierRow]:
    return frontier.claim(tx, lambda origin: room, 1e12)


def test_a_row_is_claimed_once_where_robots_txt_bars_others_of_the_same_claim(
    tx: Connection,
) -> None:
    links = [Link(f"{HOST}/{n}", "article") for n in range(4)]
    links += [Link(f"{HOST}/barred/{n}", "page") for n in range(4)]
    frontier = opened(tx, links, "User-agent: *\nDisallow: /barred/")

    claimed = claim(tx, frontier, 6)

    assert [row.url for row in claimed] == [link.url for link in links[:4]]
