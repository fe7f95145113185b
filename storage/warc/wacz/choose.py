"""Which captures a package holds: what was asked for, and all that its pages need to be drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from storage import times
from storage.archive import Archive
from storage.charset import decode
from storage.database.schema import capture, run, site
from storage.embedded import embedded_in_css, embedded_in_page
from storage.errors import DecodeError, NotFound, UsageError, WarcError
from storage.query import articles
from storage.query.open_captures import OpenCapture, captures_near, nearest, open_captures
from storage.query.query import Query
from storage.query.search import find
from storage.warc.wacz.shelf import Shelf

_AT_ONCE = 100
_ID = re.compile(r"[0-9a-f]{16}")
_PAGES = ("", "text/html", "application/xhtml+xml")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a package is asked to hold; all that is given must hold of a capture."""

    site: str | None = None
    run: str | None = None
    since: str | None = None
    """First day of capture in Vietnam, `2026-11-01`."""
    articles: str | None = None
    """A search as people type it, or ids of articles (16 digits each)."""

    @property
    def is_whole(self) -> bool:
        """Everything of a site or an archive: what its pages need is in it."""
        return (self.run, self.since, self.articles) == (None, None, None)


def choose(archive: Archive, connection: Connection, wanted: Wanted, shelf: Shelf) -> None:
    """Put on the shelf what is wanted and what it needs.

    Raises UsageError (a `since` that is no day), NotFound (no such site, run or article, or
    nothing that may leave fits).
    """
    conditions = list(_conditions(connection, wanted))
    if wanted.articles is None:
        asked_for = open_captures(connection, *conditions)
    else:
        asked_for = _of_articles(connection, wanted, conditions)
    needs = _Needs(archive, connection, shelf)
    for one in asked_for:
        needs.take(one, whole=wanted.is_whole)
    if not len(shelf):
        raise NotFound("no capture fits; `tinhuyen search`, `runs list` and `status` show what is")


def _conditions(connection: Connection, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.site is not None:
        _require(connection, site.c.id, wanted.site, "site", "tinhuyen status")
        yield capture.c.site == wanted.site
    if wanted.run is not None:
        _require(connection, run.c.id, wanted.run, "run", "tinhuyen runs list")
        yield capture.c.run == wanted.run
    if wanted.since is not None:
        yield capture.c.fetched_at >= _begin_of(wanted.since)


def _require(connection: Connection, column: Any, id_: str, what: str, command: str) -> None:
    if connection.execute(select(column).where(column == id_)).first() is None:
        raise NotFound(f"the archive has no {what} {id_}; `{command}` shows what it has")


def _begin_of(day: str) -> str:
    try:
        moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=times.LOCAL)
    except ValueError as error:
        raise UsageError(f"since {day!r} is no day; write 2026-11-01") from error
    return times.utc_text(moment)


def _of_articles(
    connection: Connection, wanted: Wanted, conditions: list[ColumnElement[bool]]
) -> Iterator[OpenCapture]:
    """Every capture of the articles' addresses: all versions, redirects, absences, files."""
    keys = _article_keys(connection, wanted)
    for start in range(0, len(keys), _AT_ONCE):
        for shown in articles.load(connection, keys[start : start + _AT_ONCE]):
            urls = [shown["url"], *shown["other_urls"]]
            files = [file["url"] for file in shown["attachments"]]
            mine = (capture.c.site == shown["site"], capture.c.url.in_([*urls, *files]))
            yield from open_captures(connection, *mine, *conditions)


def _article_keys(connection: Connection, wanted: Wanted) -> list[int]:
    words = (wanted.articles or "").split()
    if words and all(map(_ID.fullmatch, words)):
        return [articles.find_key(connection, id_) for id_ in dict.fromkeys(words)]
    query = Query.of(" ".join(words), site=wanted.site)
    return find(connection, query, None)


class _Needs:
    """Takes captures and, after them, what they need, which again may need something."""

    def __init__(self, archive: Archive, connection: Connection, shelf: Shelf) -> None:
        self._archive, self._connection, self._shelf = archive, connection, shelf

    def take(self, one: OpenCapture, *, whole: bool) -> None:
        """`whole`: everything around it is taken anyway, but for what a revisit refers to."""
        waiting = [one] if self._shelf.add(one) else []
        while waiting:
            one = waiting.pop()
            needed = self._referred(one) if whole else self._needed(one)
            waiting += [other for other in needed if self._shelf.add(other)]

    def _referred(self, one: OpenCapture) -> Iterator[OpenCapture]:
        """What holds the payload of a revisit."""
        if one.refers_to is not None:
            yield from open_captures(self._connection, capture.c.record_id == one.refers_to)

    def _needed(self, one: OpenCapture) -> Iterator[OpenCapture]:
        yield from self._referred(one)
        urls = {one.location} if one.location else self._embedded(one)
        for url in sorted(urls):
            with suppress(ValueError):  # an address that has no sort key was never kept
                near = captures_near(self._connection, url, one.moment)
                found = nearest(near, url, one.moment)
                if found is not None:
                    yield found

    def _embedded(self, one: OpenCapture) -> set[str]:
        mime = (one.mime or "").lower()
        if mime not in (*_PAGES, "text/css"):
            return set()
        try:
            kept = self._archive.capture(one.record)
            body = (kept.unchanged or kept).body()
        except (NotFound, WarcError, DecodeError):
            return set()  # it is packed as it is, and the copying says what is damaged
        text = decode(body, kept.header("content-type"))
        return (embedded_in_css if mime == "text/css" else embedded_in_page)(one.url, text)
