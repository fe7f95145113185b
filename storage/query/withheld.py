"""Why something does not go out: what a door says in its place.

Public sentences: when and on what basis, never the reason that the trail keeps.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from storage import times
from storage.errors import NotFound, NotOpen, Withdrawn
from storage.query.access import access_of

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
    condition = access_of(connection).article("a")
    found = text(f"SELECT 1 FROM article a WHERE a.key = :key AND {condition}")
    return connection.execute(found, {"key": key}).first() is not None


def article_withheld(connection: Connection, key: int, id_: str) -> NotFound:
    """The error to raise for an article that who asks may not see."""
    taken = _takedown(connection, _OF_ARTICLE, {"key": key})
    return withdrawn(f"article {id_}", taken) if taken else _not_open(connection, key, id_)


def value_withdrawn(connection: Connection, kind: str, value: str, what: str) -> Withdrawn | None:
    """The error to raise for an id, address or digest that a takedown names; None if none does."""
    taken = _takedown(
        connection,
        f"{_BY_VALUE} d.kind = :kind AND d.value = :value",
        {"kind": kind, "value": value},
    )
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
