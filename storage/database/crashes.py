"""Rows whose fetching or reading ended the process: counted, tried alone, set aside.

A crash counts against every row that was handed out when it came (storage.handed_out), so
innocent neighbours are counted with the culprit. A row counted a few times is therefore a suspect,
tried last and with nothing beside it: from then on only the culprit is counted on.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    insert,
    literal_column,
    select,
    update,
)

from storage import times
from storage.database.schema import failure, frontier

SUSPECT_CRASHES = 3
"""From here on a row is tried alone."""

MAX_CRASHES = 20
"""From here on it is not tried any more in this run."""

IS_SUSPECT = frontier.c.crashes >= literal_column(str(SUSPECT_CRASHES))
IS_NO_SUSPECT = frontier.c.crashes < literal_column(str(SUSPECT_CRASHES))

FORGIVEN = case((frontier.c.crashes >= MAX_CRASHES, MAX_CRASHES - 1), else_=frontier.c.crashes)
"""The count that a row takes into the next run: whoever was set aside is tried once more."""


def count_crash(tx: Connection, site: str, handed_out: Collection[int]) -> None:
    """The last process died over these rows; those it had finished are not claimed any more."""
    claimed = (frontier.c.site == site) & (frontier.c.state == "claimed")
    for id_ in handed_out:
        tx.execute(
            update(frontier)
            .where(claimed, frontier.c.id == id_)
            .values(crashes=frontier.c.crashes + 1)
        )


def set_aside(tx: Connection, site: str, run: str) -> list[dict[str, Any]]:
    """Fail the rows that have ended too many processes; returns their failures as rows."""
    guilty = _guilty(site)
    rows = [
        {
            "run": run,
            "site": site,
            "url": url,
            "at": times.utc_text(times.now()),
            "stage": "frontier",
            "kind": "crashes",
            "skipped": 0,
            "message": f"the process died {crashes} times while this was fetched or read",
        }
        for url, crashes in tx.execute(select(frontier.c.url, frontier.c.crashes).where(guilty))
    ]
    if rows:
        tx.execute(update(frontier).where(guilty).values(state="failed"))
        tx.execute(insert(failure), rows)
    return rows


def guilty_rows(tx: Connection, site: str) -> set[int]:
    """Ids of the rows that are set aside next."""
    return set(tx.execute(select(frontier.c.id).where(_guilty(site))).scalars())


def _guilty(site: str) -> ColumnElement[bool]:
    return and_(
        frontier.c.site == site,
        frontier.c.crashes >= MAX_CRASHES,
        frontier.c.state.in_(("queued", "claimed")),
    )


def has_suspects(tx: Connection, site: str) -> bool:
    """Whether any row must be tried alone."""
    mine = (frontier.c.site == site) & (frontier.c.state == "queued")
    return bool(tx.execute(select(exists().where(mine, IS_SUSPECT))).scalar())


def is_claimed(tx: Connection, site: str, *, suspect: bool) -> bool:
    """Whether a row, or a suspect, is being fetched now."""
    mine = (frontier.c.site == site) & (frontier.c.state == "claimed")
    found = exists().where(mine, IS_SUSPECT) if suspect else exists().where(mine)
    return bool(tx.execute(select(found)).scalar())
