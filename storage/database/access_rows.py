"""Access rules and takedowns as rows: kept as the journal tells them, in its order.

To keep one twice changes nothing. What a takedown covers is spelled out in `withdrawn`, in every
form that a condition compares with; nothing is marked in the rows that it covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from storage.database.access_tables import access_rule, takedown, withdrawn
from storage.urls import urlkey

ACCESS = ("open", "on_site", "embargo", "closed")
HOW = ("hide", "tombstone", "rewrite")
Cover = tuple[str, str]
"""A natural key that a takedown covers: `article` and its id, `url`, `sha256` of a file's bytes,
`payload` and a record's payload digest."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """Who may see what, and who decided so."""

    site: str
    article: str | None
    """Its id; None: the whole site, or a span of it."""
    since: str | None
    """First day, month or year of publication; None: from the beginning."""
    until: str | None
    attachments: bool
    """The rule is about the bytes of attachments, not about articles."""
    access: str | None
    """One of ACCESS; None: there is no rule any more for just this."""
    opens: str | None
    """The day (in Vietnam) on which an embargo ends."""
    decided_at: str
    """UTC, `2024-03-01T03:00:00.000000Z`."""
    decided_by: str
    basis: str
    """Public: what the decision rests on."""


@dataclass(frozen=True, slots=True)
class Takedown:
    """What was taken down, and who decided so."""

    id: str
    how: str
    """One of HOW."""
    asked: str
    """What was named."""
    covers: list[Cover]
    reason: str
    """For the trail only."""
    basis: str
    """Public: what is said in its place."""
    decided_at: str
    """UTC, `2024-03-01T03:00:00.000000Z`."""
    decided_by: str


def save_rule(tx: Connection, rule: AccessRule) -> None:
    """Keep a rule instead of the one for the same articles."""
    scope = ("site", "article", "since", "until", "attachments")
    values = asdict(rule) | {"attachments": int(rule.attachments)}
    same = [access_rule.c[name].is_not_distinct_from(values[name]) for name in scope]
    tx.execute(delete(access_rule).where(*same))
    if rule.access is not None:
        tx.execute(insert(access_rule), values)


def save_takedown(tx: Connection, taken: Takedown) -> None:
    """Keep a takedown: it holds from now on."""
    known = select(takedown.c.id).where(takedown.c.id == taken.id)
    if tx.execute(known).first() is not None:
        return
    tx.execute(insert(takedown), asdict(taken))
    spelled = {spelling for cover in taken.covers for spelling in _spellings(*cover)}
    rows = [{"kind": kind, "value": value, "takedown": taken.id} for kind, value in spelled]
    if rows:
        tx.execute(insert(withdrawn), rows)


def undo_takedown(tx: Connection, id_: str, at: str, by: str, reason: str) -> None:
    """A takedown holds no more; that it did stays in the table."""
    tx.execute(delete(withdrawn).where(withdrawn.c.takedown == id_))
    undone = {"undone_at": at, "undone_by": by, "undone_reason": reason}
    tx.execute(update(takedown).where(takedown.c.id == id_).values(**undone))


def note_rewritten(tx: Connection, id_: str, log: dict[str, Any]) -> None:
    """A takedown's records are out of the WARC files; `log` says of which."""
    tx.execute(update(takedown).where(takedown.c.id == id_).values(rewritten=log))


def _spellings(kind: str, value: str) -> Iterator[Cover]:
    """An address counts with http and https, with and without `www.`, as its sort key does."""
    yield kind, value
    if kind == "url":
        yield "urlkey", urlkey(value)
        rest = value.partition("://")[2].removeprefix("www.")
        for start in ("http://", "http://www.", "https://", "https://www."):
            yield "spelling", start + rest
