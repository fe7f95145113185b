"""Every version of an article, and what differs between two."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from storage.database.schema import capture, reading, version
from storage.query import articles
from storage.query.diff import Change, changes


def list_versions(connection: Connection, id_: str) -> list[dict[str, Any]]:
    """An article's versions, the first first: when each was seen, and the record it is read from.

    `from_at` and `until_at` are the first and last capture that show it (UTC). Raises NotFound.
    """
    key = articles.find_key(connection, id_)
    articles.load(connection, [key])  # the door: what may not be shown has no versions either
    rows = connection.execute(
        select(
            version.c.number, version.c.from_at, version.c.until_at, reading.c.title,
            capture.c.record_id, capture.c.provenance,
        )
        .join(reading, reading.c.id == version.c.reading)
        .join(capture, capture.c.id == reading.c.capture)
        .where(version.c.article == key)
        .order_by(version.c.number)
    )  # fmt: skip
    return [dict(row._mapping) for row in rows]


def compare(
    connection: Connection, id_: str, numbers: tuple[int, int] | None
) -> tuple[dict[str, Any], dict[str, Any], list[Change]]:
    """Two versions of an article (DESIGN §7) and what differs; the last two if none are named.

    Of an article with one version that one, twice. Raises NotFound.
    """
    key = articles.find_key(connection, id_)
    [newest] = articles.load(connection, [key])
    first, second = numbers or (max(1, newest["versions"] - 1), newest["versions"])
    [old], [new] = (articles.load(connection, [key], number) for number in (first, second))
    return old, new, changes(old, new)
