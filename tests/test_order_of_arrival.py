"""Versions follow from accepted readings in order of capture time, whatever came in when."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, insert, select

from storage.database.articles import ReadCapture, save_readings
from storage.database.connect import upgrade
from storage.database.proposals import Reread, accept_some, propose, withdraw
from storage.database.runs import SiteRow, save_site, start_run
from storage.database.schema import article, capture, reading, version
from storage.records import Article

URL = "http://thu.example/1"


@dataclass(frozen=True)
class Came:
    """A capture: when it was made, what it says, and whether an older rule read it otherwise."""

    day: int
    text: str
    misread: bool
    cut: bool


CAPTURES = st.lists(
    st.builds(Came, st.integers(1, 28), st.sampled_from("abc"), st.booleans(), st.booleans()),
    min_size=1, max_size=6, unique_by=lambda came: came.day,
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """In memory, its schema the newest."""
    made = create_engine("sqlite://")
    upgrade(made)
    yield made
    made.dispose()


def versions(tx: Connection) -> list[tuple[Any, ...]]:
    rows = (
        select(version.c.number, version.c.from_at, version.c.until_at, reading.c.text)
        .join(reading, reading.c.id == version.c.reading)
        .order_by(version.c.number)
    )
    seen = select(article.c.first_seen, article.c.last_seen)
    return [tuple(row) for row in (*tx.execute(rows), *tx.execute(seen))]


def keep(tx: Connection, came: Sequence[Came], *, older: bool) -> dict[Came, int]:
    """Save these in this order, each as it came; by older rules or today's."""
    facts = dict.fromkeys(("district", "district_from", "province", "family", "since", "evidence"))
    site = {"name": "thu", "organ": "other", "hosts": [], "state": "open", "origin": "declared"}
    save_site(tx, SiteRow(id="thu", **site, **facts))  # type: ignore[arg-type]
    run, ids = start_run(tx, "thu", "crawl", "full").id, {}
    for one in came:
        row: dict[str, Any] = {
            "run": run,
            "site": "thu",
            "url": URL,
            "urlkey": URL,
            "fetched_at": at(one),
        }
        row |= {"block_digest": "sha1:A", "warc_file": "f", "warc_offset": 0, "warc_length": 1}
        row |= {"record_id": f"<{one.day}>", "record_type": "response", "provenance": "donated"}
        row |= {"reading": "done", "truncated": "time" if one.cut else None}
        ids[one] = tx.execute(insert(capture).values(row).returning(capture.c.id)).scalar_one()
        save_readings(tx, "thu", [read(ids[one], one, older=older)])
    return ids


def at(one: Came) -> str:
    return f"2024-03-{one.day:02}T03:00:00.000000Z"


def read(id_: int, one: Came, *, older: bool) -> ReadCapture:
    text = f"misread {one.text}" if older and one.misread else one.text
    return ReadCapture(id_, URL, at(one), Article(URL, title="x", text=text, extractor="plain-1"))


@settings(max_examples=25)
@given(CAPTURES, st.randoms(use_true_random=False))
def test_in_whatever_order_captures_come_the_versions_are_the_same(
    engine: Engine, came: list[Came], chance: Any
) -> None:
    found = []
    for order in (sorted(came, key=at), chance.sample(came, len(came))):
        with engine.connect() as tx, tx.begin() as kept:
            keep(tx, order, older=False)
            found.append(versions(tx))
            kept.rollback()
    assert found[0] == found[1]


@settings(max_examples=25)
@given(CAPTURES, st.randoms(use_true_random=False))
def test_accepted_in_whatever_order_the_versions_are_those_of_todays_rules(
    engine: Engine, came: list[Came], chance: Any
) -> None:
    with engine.connect() as tx, tx.begin() as kept:
        keep(tx, came, older=False)
        wanted = versions(tx)
        kept.rollback()
    with engine.connect() as tx, tx.begin() as kept:
        ids = keep(tx, came, older=True)
        run = start_run(tx, "thu", "reextract", "accept").id
        changed = [one for one in came if one.misread]
        for one in chance.sample(changed, len(changed)):
            withdraw(tx, [ids[one]])
            again = Reread(read(ids[one], one, older=False), "done", None, ())
            assert propose(tx, "thu", run, {ids[one]: again}) == {}
            if chance.random() < 0.5:
                accept_some(tx, "thu", run, 1)
        accepted = [accept_some(tx, "thu", run, 2) for _ in itertools.repeat(None, 4)]
        assert accepted[-1] == 0
        assert versions(tx) == wanted
        kept.rollback()


def test_what_one_page_spoils_stays_with_it(engine: Engine) -> None:
    """A value that no database takes: the others are proposed all the same."""
    came = [Came(1, "a", True, False), Came(2, "b", True, False)]
    with engine.connect() as tx, tx.begin() as kept:
        ids = keep(tx, came, older=True)
        run = start_run(tx, "thu", "reextract", "propose").id
        good, bad = (read(ids[one], one, older=False) for one in came)
        bad = ReadCapture(bad.capture, bad.url, bad.at, Article(URL, title="\ud800"))
        proposed = {one.capture: Reread(one, "done", None, ()) for one in (good, bad)}
        spoiled = propose(tx, "thu", run, proposed)
        assert list(spoiled) == [bad.capture]
        states = select(reading.c.capture).where(reading.c.state == "proposed")
        assert list(tx.execute(states).scalars()) == [good.capture]
        kept.rollback()
