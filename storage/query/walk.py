"""Articles that match, in the order of the shelf from the newest down, on either database.

Whatever may not be shown is left out here, in `_conditions`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, text

from storage.query.asked import Term
from storage.query.match import Facts, Match, as_indexed

_ALL: Facts = ("having=date", "lacking=date")
"""One of them stands at every article: FTS5 can take away only from something."""
_WINDOWS = ((2_000, "d"), (16_000, "m"), (128_000, "m"))
"""How many of the newest articles PostgreSQL looks through first, and then, before it looks through
all; and whether their dates are told by days or by months."""


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
        where = " AND ".join(self.conditions)
        sql = f"SELECT {columns} FROM {self.source} WHERE {where} {rest}"  # noqa: S608
        yield from connection.execute(text(sql), self.values)


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
    with _words_first(connection):
        for window in _windows(connection, match):
            count = 0
            for row in window.rows(connection, columns, f"ORDER BY s.place DESC {limit}"):
                count += 1
                yield row
            if enough is not None:
                enough -= count
                if enough <= 0:
                    return


def matching(connection: Connection, match: Match) -> Statement:
    """A statement over everything that matches, in no order."""
    words = _words_of(match)
    if not words:
        return _conditions(Statement("shelf s", []), match, "s.place")
    if connection.dialect.name == "sqlite":
        # CROSS JOIN: SQLite keeps this order of the tables.
        found = Statement("search CROSS JOIN shelf s ON s.place = search.rowid", [])
        found.conditions.append(f"search MATCH {found.bind(_fts5(match))}")
        return _conditions(found, match, "search.rowid")
    return _postgres(match, ())


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


def _fts5(match: Match) -> str:
    """Our own words in quotes: nothing is left to interpret."""
    wanted = [_fts5_term(term, in_title=match.title == "only") for term in match.wanted]
    wanted += [_fts5_any(facts) for facts in match.facts]
    unwanted = [_fts5_term(term, in_title=False) for term in match.unwanted]
    if match.title == "not":
        unwanted.append(" AND ".join(_fts5_term(term, in_title=True) for term in match.wanted))
    sought = " AND ".join(wanted or [_fts5_any(_ALL)])
    return f"({sought}) NOT ({' OR '.join(map('({})'.format, unwanted))})" if unwanted else sought


def _fts5_any(facts: Facts) -> str:
    return "(" + " OR ".join(f'"{one.replace(chr(34), "")}"' for one in facts) + ")"


def _fts5_term(term: Term, *, in_title: bool) -> str:
    ways = (
        " AND ".join(f'"{" ".join(as_indexed(term, phrase, in_title=in_title))}"' for phrase in way)
        for way in term.alternatives
    )
    return "(" + " OR ".join(f"({way})" for way in ways) + ")"


def _postgres(match: Match, days: Facts) -> Statement:
    """The words are looked up first, by themselves: nothing else may be cheaper."""
    found = Statement("", [])
    query = found.bind(_tsquery(match, days))
    hit = f"SELECT place FROM search WHERE words @@ CAST({query} AS tsquery) OFFSET 0"  # noqa: S608
    found.source = f"({hit}) hit JOIN shelf s ON s.place = hit.place"
    return _conditions(found, match, "s.place")


def _tsquery(match: Match, days: Facts) -> str:
    wanted = [_tsquery_term(term, in_title=match.title == "only") for term in match.wanted]
    wanted += [_tsquery_any(facts) for facts in (*match.facts, days) if facts]
    unwanted = [_tsquery_term(term, in_title=False) for term in match.unwanted]
    if match.title == "not":
        unwanted.append(" & ".join(_tsquery_term(term, in_title=True) for term in match.wanted))
    return " & ".join([*(wanted or [_tsquery_any(_ALL)]), *(f"!({one})" for one in unwanted)])


def _tsquery_any(facts: Facts) -> str:
    return "(" + " | ".join(map(_quoted, facts)) + ")"


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _tsquery_term(term: Term, *, in_title: bool) -> str:
    ways = (
        " & ".join(_tsquery_phrase(term, phrase, in_title) for phrase in way)
        for way in term.alternatives
    )
    return "(" + " | ".join(f"({way})" for way in ways) + ")"


def _tsquery_phrase(term: Term, phrase: tuple[str, ...], in_title: bool) -> str:
    """A phrase's pairs of words are words of the index: only where all are there is it read."""
    words = as_indexed(term, phrase, in_title=False)
    pairs = [_quoted(f"{one}+{two}") for one, two in pairwise(words)]
    if len(pairs) == 1 and not in_title:
        return pairs[0]
    placed = " <-> ".join(map(_quoted, as_indexed(term, phrase, in_title=in_title)))
    return "(" + " & ".join([*pairs, f"({placed})"]) + ")"


def _windows(connection: Connection, match: Match) -> Iterator[Statement]:
    """The match by spans of days, the newest first: a GIN index knows no order."""
    high = match.high
    for size, form in _WINDOWS:
        low = _place_after(connection, match.low, high, size)
        if low is None:
            break
        days = _days(connection, low, high, form)
        yield _postgres(replace(match, low=low, high=high), days)
        high = low - 1
    yield _postgres(replace(match, high=high), ())


def _place_after(connection: Connection, low: int, high: int, size: int) -> int | None:
    """The place that so many articles of a span stand above; None if there are fewer."""
    sql = (
        "SELECT place FROM shelf WHERE place BETWEEN :low AND :high"
        " ORDER BY place DESC OFFSET :size LIMIT 1"
    )
    values = {"low": low, "high": high, "size": size}
    place: int | None = connection.execute(text(sql), values).scalar()
    return place


def _days(connection: Connection, low: int, high: int, form: str) -> Facts:
    """The days or months of publication within a span, as words of the index."""
    length = {"d": 10, "m": 7}[form]
    sql = (
        f"SELECT DISTINCT substr(COALESCE(published_at, 'unknown'), 1, {length})"  # noqa: S608
        " FROM shelf WHERE place BETWEEN :low AND :high"
    )
    found = connection.execute(text(sql), {"low": low, "high": high}).scalars()
    return tuple(sorted(f"{form}={day}" for day in found))


@contextmanager
def _words_first(connection: Connection) -> Iterator[None]:
    """PostgreSQL looks up words, then places; it must not think that reading all is cheaper."""
    names = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
    try:
        for name in names:
            connection.execute(text(f"SET LOCAL {name} = off"))
        yield
    finally:
        for name in names:
            connection.execute(text(f"SET LOCAL {name} = on"))
