"""Full-text search: the user's words, never the search engine's syntax.

Found are the same articles in the same order on SQLite and PostgreSQL: first those whose title
has everything asked for, then the newest. Both databases walk their index in the order of the
shelf (storage.database.search_index) and stop when they have enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection

from storage.query.match import Match, match_of
from storage.query.query import Query
from storage.query.walk import walk


def find(connection: Connection, query: Query, limit: int | None = 20) -> list[int]:
    """Keys of the articles found, in the query's order; the newest where no words were given.

    Words that fold to nothing (only signs) find nothing.
    Raises: nothing for any words; UsageError or NotFound for a place that is none.
    """
    return list(islice(stream(connection, query, limit), limit))


def stream(connection: Connection, query: Query, enough: int | None = None) -> Iterator[int]:
    """The same one by one; `enough`: nobody will take more than so many. Raises as `find` does."""
    match = match_of(query)
    if match is None:
        return
    seen: set[int] = set()
    for part in _parts(match, query.order):
        for key, alike in walk(connection, part, None if query.alike_once else enough):
            if alike is None or not query.alike_once:
                yield key
            elif alike not in seen:
                seen.add(alike)
                yield key


def _parts(match: Match, order: str) -> Iterator[Match]:
    """What is walked, one after the other."""
    if order == "date" or not match.has_words:
        yield match
    else:
        yield replace(match, title="only")
        yield replace(match, title="not")
