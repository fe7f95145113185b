"""Everything that a query finds, one by one, as the archive was at one moment."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from storage.archive import Archive
from storage.errors import NotFound
from storage.output import progress
from storage.query import articles, search
from storage.query.access import Audience
from storage.query.query import Query

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the newest first: their number is the query's count."""

    connection: Connection
    """Reads the archive as it was when the query was asked, whatever crawls write meanwhile."""
    keys: array[int]
    """Keys of the articles: eight bytes each is all that grows with their number."""

    def articles(self) -> Iterator[dict[str, Any]]:
        """Each article in its newest version (DESIGN §7), with a bar for people who wait."""
        with progress("articles", len(self.keys)) as step:
            for start in range(0, len(self.keys), _AT_ONCE):
                keys = self.keys[start : start + _AT_ONCE].tolist()
                for article in articles.load(self.connection, keys):
                    yield article
                    step()


@contextmanager
def find_all(archive: Archive, query: Query) -> Iterator[Found]:
    """All that a query finds, by date. Raises NotFound if that is nothing, and as search.find."""
    with archive.reading(Audience.PUBLIC) as connection:
        if connection.dialect.name == "postgresql":  # SQLite's readers see one moment anyway
            connection.execution_options(isolation_level="REPEATABLE READ")
        by_date = replace(query, order="date")
        keys = array("q", search.stream(connection, by_date))
        if not keys:
            raise NotFound("nothing is found by this, so nothing was written")
        yield Found(connection, keys)
