"""Rows claimed: each once, whatever robots.txt bars between them; suspects alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from storage.database import crashes
from storage.database.connect import open_database
from storage.database.crashes import MAX_CRASHES, SUSPECT_CRASHES
from storage.database.frontier import Frontier
from storage.database.queue import Finished
from storage.database.runs import SiteRow, save_site, start_run
from storage.database.schema import frontier as rows
from storage.records import FrontierRow, Link

HOST = "http://a.vn"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def tx(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    sqlite = f"sqlite:///{tmp_path / 'archive.db'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
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


def set_crashes(tx: Connection, url: str, crashes: int) -> None:
    tx.execute(update(rows).where(rows.c.url == url).values(crashes=crashes))


def test_a_suspect_is_tried_last_and_alone(tx: Connection) -> None:
    links = [Link(f"{HOST}/{n}", "article") for n in range(3)]
    frontier = opened(tx, links)
    set_crashes(tx, links[0].url, SUSPECT_CRASHES)
    frontier.hand_back(tx)  # as every start does: from here on it knows of suspects

    innocent = claim(tx, frontier, 10)
    assert [row.url for row in innocent] == [links[1].url, links[2].url]
    assert claim(tx, frontier, 10) == []  # while anything else is on its way

    frontier.finish(tx, [Finished(row, "done") for row in innocent])
    [suspect] = claim(tx, frontier, 10)
    assert suspect.url == links[0].url

    frontier.add(tx, [Link(f"{HOST}/new", "article")], None)
    assert claim(tx, frontier, 10) == []  # nothing beside it
    frontier.finish(tx, [Finished(suspect, "done")])
    assert [row.url for row in claim(tx, frontier, 10)] == [f"{HOST}/new"]


def test_a_suspect_that_robots_txt_bars_is_skipped(tx: Connection) -> None:
    frontier = opened(tx, [Link(f"{HOST}/barred", "page")], "User-agent: *\nDisallow: /")
    set_crashes(tx, f"{HOST}/barred", SUSPECT_CRASHES)
    frontier.hand_back(tx)
    assert claim(tx, frontier, 10) == []
    assert frontier.count_queued(tx) == 0
    assert [row["kind"] for row in frontier.barred] == ["robots"]


def test_only_rows_that_were_handed_out_and_not_finished_are_counted(tx: Connection) -> None:
    links = [Link(f"{HOST}/{n}", "article") for n in range(3)]
    frontier = opened(tx, links)
    finished, handed_out, waiting = claim(tx, frontier, 10)
    frontier.finish(tx, [Finished(finished, "done")])

    crashes.count_crash(tx, "a", {finished.id, handed_out.id})

    counted = tx.execute(select(rows.c.id).where(rows.c.crashes > 0)).scalars().all()
    assert list(counted) == [handed_out.id]
    assert waiting.id != handed_out.id


def test_after_twenty_crashes_a_row_is_set_aside_and_once_more_tried_by_the_next_run(
    tx: Connection,
) -> None:
    frontier = opened(tx, [Link(f"{HOST}/killer", "article")])
    set_crashes(tx, f"{HOST}/killer", MAX_CRASHES)

    [failure] = crashes.set_aside(tx, "a", frontier.run)

    assert (failure["kind"], failure["url"]) == ("crashes", f"{HOST}/killer")
    assert frontier.count_queued(tx) == 0
    frontier.open(tx, [], resumed=False)
    killer = tx.execute(select(rows).where(rows.c.role == "article")).one()
    assert (killer.state, killer.crashes) == ("queued", MAX_CRASHES - 1)


def test_what_a_rolled_back_transaction_met_is_met_again(tx: Connection) -> None:
    """A host's robots.txt row goes with the savepoint; the next try must queue it again."""
    frontier = opened(tx, [Link(f"{HOST}/", "list")])
    claim(tx, frontier, 10)
    savepoint, mark = tx.begin_nested(), frontier.mark()
    frontier.add(tx, [Link("http://b.vn/1", "image")], None)
    savepoint.rollback()
    frontier.undo(mark)

    frontier.add(tx, [Link("http://b.vn/1", "image")], None)

    assert [row.url for row in claim(tx, frontier, 10)] == ["http://b.vn/robots.txt"]
