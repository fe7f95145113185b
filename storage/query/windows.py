"""How PostgreSQL walks from the newest down: through one span of days after the other.

A GIN index knows no order, and what all articles have is too much to be sorted for twenty. So the
planner's own statistics say how frequent a match is; what is rare is looked up as a whole, and what
is frequent within as many of the newest articles as should hold enough, then within eight times as
many. The days of a span are words of the index. A wrong estimate costs time, never a result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, text

from storage.query.match import Facts, Match
from storage.query.tsquery import tsquery_parts

_RARE = 1_000
"""Articles that are looked up and sorted within some milliseconds."""
_SPARE = 2
"""How many times as many articles a span should hold as are wanted."""
_GROWTH = 8
_FEWEST = 100


def windows(
    connection: Connection, match: Match, enough: int | None
) -> Iterator[tuple[Match, Facts]]:
    """Parts of a match, the newest first, each with the days that its articles are of."""
    size, most = _first_size(connection, match, enough)
    high = match.high
    while size < most:
        low = _place_after(connection, match.low, high, size)
        if low is None:
            break
        form = "d" if size < _RARE else "m"
        yield replace(match, low=low, high=high), _days(connection, low, high, form)
        high, size = low - 1, size * _GROWTH
    yield replace(match, high=high), ()


def _first_size(connection: Connection, match: Match, enough: int | None) -> tuple[int, int]:
    """Articles of the first span, and from how many on all are looked up at once."""
    if enough is None:
        return 1, 0
    expected = min(_expected(connection, part) for part in tsquery_parts(match))
    if expected <= _RARE:
        return 1, 0
    whole = "SELECT reltuples FROM pg_class WHERE oid = CAST('search' AS regclass)"
    articles = float(connection.execute(text(whole)).scalar_one())
    return max(_FEWEST, int(_SPARE * enough * articles / expected)), int(articles / 2)


def _expected(connection: Connection, query: str) -> float:
    """How many articles the planner expects; of words together it would think them independent."""
    sql = "EXPLAIN (FORMAT JSON) SELECT 1 FROM search WHERE words @@ CAST(:query AS tsquery)"
    [plan] = connection.execute(text(sql), {"query": query}).scalar_one()
    return float(plan["Plan"]["Plan Rows"])


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
def words_first(connection: Connection) -> Iterator[None]:
    """PostgreSQL looks up words, then places; it must not think that reading all is cheaper.

    What is set within a savepoint goes with it.
    """
    with connection.begin_nested() as savepoint:
        for name in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            connection.execute(text(f"SET LOCAL {name} = off"))
        yield
        savepoint.rollback()
