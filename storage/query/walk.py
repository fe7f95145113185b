"""Articles that match, in the order of the shelf from the newest down, on either database.

Whatever may not be seen is left out here, in `Statement.rows`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from storage.query.access import access_of
from storage.query.fts5 import fts5
from storage.query.match import Facts, Match
from storage.query.tsquery import tsquery
from storage.query.windows import windows, words_first

_BATCH = 500


@dataclass(slots=True)
class Statement:
    """A statement in the making: `source` has the matching articles as `s`, rows of the shelf."""

    source: str
    conditions: list[str]
    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """The placeholder of a value: values never stand in the text."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def rows(self, connection: Connection, columns: str, rest: str = "") -> Iterator[Any]:
        """Run it; rows come as they are found."""
        where = " AND ".join([*self.conditions, _may_be_seen(connection)])
        sql = f"SELECT {columns} FROM {self.source} WHERE {where} {rest}"  # noqa: S608
        yield from connection.execute(text(sql), self.values)


def _may_be_seen(connection: Connection) -> str:
    # One value a row and no EXISTS: PostgreSQL would make a join of that, and under the settings of
    # `words_first` one that looks at every article for every hit.
    allowed = access_of(connection).article("a")
    return f"(SELECT {allowed} FROM article a WHERE a.key = s.article)"  # noqa: S608


def walk(
    connection: Connection, match: Match, enough: int | None, columns: str = "s.article, s.alike"
) -> Iterator[Any]:
    """Rows of matching articles, newest first; `enough`: at least so many, if there are."""
    limit = "" if enough is None else f"LIMIT {enough}"
    if connection.dialect.name == "sqlite" or not _words_of(match):
        order = "s.place" if not _words_of(match) else "search.rowid"
        yield from matching(connection, match).rows(
            connection, columns, f"ORDER BY {order} DESC {limit}"
        )
        return
    with words_first(connection):
        for part, days in windows(connection, match, enough):
            count = 0
            for row in _postgres(part, days).rows(
                connection, columns, f"ORDER BY s.place DESC {limit}"
            ):
                count += 1
                yield row
            if enough is not None:
                enough -= count
                if enough <= 0:
                    return


def shown(connection: Connection, keys: Sequence[int]) -> set[int]:
    """Which of these articles may be shown: for whoever found them by another way."""
    found: set[int] = set()
    for start in range(0, len(keys), _BATCH):
        statement = _conditions(Statement("shelf s", []), Match(), "s.place")
        listed = ", ".join(map(statement.bind, keys[start : start + _BATCH]))
        statement.conditions.append(f"s.article IN ({listed})")
        found |= {key for (key,) in statement.rows(connection, "s.article")}
    return found


def matching(connection: Connection, match: Match) -> Statement:
    """A statement over everything that matches, in no order."""
    words = _words_of(match)
    if not words:
        return _conditions(Statement("shelf s", []), match, "s.place")
    if connection.dialect.name == "sqlite":
        # CROSS JOIN: SQLite keeps this order of the tables.
        found = Statement("search CROSS JOIN shelf s ON s.place = search.rowid", [])
        found.conditions.append(f"search MATCH {found.bind(fts5(match))}")
        return _conditions(found, match, "search.rowid")
    return _postgres(match)


def _conditions(found: Statement, match: Match, place: str) -> Statement:
    """What is decided by an article's row on the shelf."""
    found.conditions.append("s.article IS NOT NULL")
    if match.low > 0 or match.high < (1 << 63) - 1:
        low, high = found.bind(match.low), found.bind(match.high)
        found.conditions.append(f"{place} BETWEEN {low} AND {high}")
    for spans in match.districts:
        codes = [
            f"(s.district = {found.bind(one.code)} AND s.district_from > {found.bind(one.after)}"
            f" AND s.district_from <= {found.bind(one.until)})"
            for one in spans
        ]
        found.conditions.append(f"({' OR '.join(codes)})" if codes else "1 = 0")
    return found


def _words_of(match: Match) -> bool:
    """Whether the index of words is needed at all."""
    return bool(match.terms or match.facts)


def _postgres(match: Match, days: Facts = ()) -> Statement:
    """The words are looked up first, by themselves, and then each article that has them.

    LATERAL and OFFSET 0 leave the planner no other order: it went through all articles for every
    hit once, since these come in the order that is asked for.
    """
    found = Statement("", [])
    query = found.bind(tsquery(match, days))
    hit = f"SELECT place FROM search WHERE words @@ CAST({query} AS tsquery) OFFSET 0"  # noqa: S608
    article = "SELECT * FROM shelf WHERE place = hit.place OFFSET 0"
    found.source = f"({hit}) hit CROSS JOIN LATERAL ({article}) s"
    return _conditions(found, match, "s.place")
