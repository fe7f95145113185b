"""Why something does not go out: what a door says in its place.

Public sentences: when and on what basis, never the reason that the trail keeps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select, text

from storage import times
from storage.database.schema import capture
from storage.errors import NotFound, NotOpen, Withdrawn
from storage.query.access import access_of
from storage.urls import urlkey

_BY_VALUE = "SELECT d.takedown FROM withdrawn d WHERE "
_OF_ARTICLE = (
    f"{_BY_VALUE} d.kind = 'article' AND d.value = (SELECT id FROM article WHERE key = :key)"
    f" UNION {_BY_VALUE} d.kind = 'url' AND d.value IN"
    " (SELECT url FROM article_url WHERE article = :key)"
    f" UNION {_BY_VALUE} d.kind = 'urlkey' AND d.value IN (SELECT k.urlkey FROM reading r"
    " JOIN capture k ON k.id = r.capture WHERE r.article = :key)"
    f" UNION {_BY_VALUE} d.kind = 'payload' AND d.value IN (SELECT k.payload_digest FROM reading r"
    " JOIN capture k ON k.id = r.capture WHERE r.article = :key)"
)


def may_see_article(connection: Connection, key: int) -> bool:
    """Whether who asks may see the article with this key."""
    condition = access_of(connection).one_article("a")
    found = text(f"SELECT 1 FROM article a WHERE a.key = :key AND {condition}")
    return connection.execute(found, {"key": key}).first() is not None


def article_withheld(connection: Connection, key: int, id_: str) -> NotFound:
    """The error to raise for an article that who asks may not see."""
    taken = _takedown(connection, _OF_ARTICLE, {"key": key})
    return withdrawn(f"article {id_}", taken) if taken else _not_open(connection, key, id_)


def id_withdrawn(connection: Connection, start: str) -> Withdrawn | None:
    """The error to raise for an article's id, or a start of it, of which no row is left."""
    begins = f"{_BY_VALUE} d.kind = 'article' AND substr(d.value, 1, length(:start)) = :start"
    taken = _takedown(connection, begins, {"start": start}) if start else None
    return withdrawn(f"article {start}", taken) if taken else None


def file_withdrawn(connection: Connection, sha256: str) -> Withdrawn | None:
    """The error to raise for a file of these bytes; None if no takedown names them."""
    return _of_value(connection, "sha256", sha256, "this file")


def address_withdrawn(connection: Connection, url: str) -> Withdrawn | None:
    """The error to raise for any capture of an address; None if no takedown names it."""
    return _of_value(connection, "urlkey", urlkey(url), url)


def require_records(connection: Connection, record_ids: Iterable[str]) -> None:
    """Raises Withdrawn or NotOpen if who asks may not see a capture with one of these ids."""
    hidden = text(f"NOT {access_of(connection).capture('capture')}")
    named = capture.c.record_id.in_(list(record_ids))
    row = connection.execute(select(capture).where(named, hidden).limit(1)).first()
    if row is None:
        return
    raise (
        address_withdrawn(connection, row.url)
        or _of_value(connection, "payload", row.payload_digest, row.url)
        or _of_value(connection, "sha256", row.body_sha256, row.url)
        or NotOpen(f"{row.url} is not open to everybody; `tinhuyen access list` says why")
    )


def _of_value(connection: Connection, kind: str, value: str | None, what: str) -> Withdrawn | None:
    query = f"{_BY_VALUE} d.kind = :kind AND d.value = :value"
    taken = _takedown(connection, query, {"kind": kind, "value": value})
    return withdrawn(what, taken) if taken else None


def withdrawn(what: str, taken: Any) -> Withdrawn:
    """The error for what a takedown covers."""
    day = times.parse_utc(taken.decided_at).astimezone(times.LOCAL).date()
    return Withdrawn(f"{what} was withdrawn on {day}: {taken.basis}")


def _takedown(connection: Connection, ids: str, values: dict[str, Any]) -> Any:
    """The earliest of these takedowns; None of none."""
    query = f"SELECT * FROM takedown WHERE id IN ({ids}) ORDER BY decided_at LIMIT 1"
    return connection.execute(text(query), values).first()


def _not_open(connection: Connection, key: int, id_: str) -> NotOpen:
    """By the rule that speaks of the least: the article, a span of dates, the site."""
    rules = connection.execute(
        text(
            "SELECT g.* FROM access_rule g JOIN article a ON a.site = g.site"
            " WHERE a.key = :key AND g.attachments = 0 AND (g.article IS NULL OR g.article = a.id)"
            " AND g.access <> 'open'"
            " ORDER BY g.article IS NULL, COALESCE(g.since, g.until) IS NULL, g.decided_at LIMIT 1"
        ),
        {"key": key},
    )
    rule = rules.one()
    said = {
        "on_site": "can be read in the archive's own rooms",
        "embargo": f"is closed until {rule.opens}",
    }.get(rule.access, "is closed")
    return NotOpen(f"article {id_} {said}: {rule.basis}")
