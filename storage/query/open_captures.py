"""The captures that may leave the archive as records: the one door of packages and of replay.

A WACZ, pywb's index and ReplayWeb.page get what `open_captures` gives and nothing else, so that
what is closed or taken down is closed in all of them by one condition, here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, text

from storage import times
from storage.database.schema import capture
from storage.query.access import access_of
from storage.urls import urlkey

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class OpenCapture:
    """A capture, and where its record lies; the columns of the table `capture`."""

    id: int
    site: str
    url: str
    urlkey: str
    fetched_at: str
    status: int | None
    mime: str | None
    location: str | None
    payload_digest: str | None
    record_id: str
    record_type: str
    refers_to: str | None
    truncated: str | None
    warc_file: str
    warc_offset: int
    warc_length: int

    @property
    def timestamp(self) -> str:
        """Its time as 14 digits, UTC."""
        return "".join(filter(str.isdigit, self.fetched_at))[:14]

    @property
    def is_sound(self) -> bool:
        """Whole, and no error: what a page can be drawn with."""
        return self.truncated is None and self.status is not None and self.status < 400


_COLUMNS = [capture.c[name] for name in OpenCapture.__dataclass_fields__]


def open_captures(
    connection: Connection,
    *conditions: ColumnElement[bool],
    order: tuple[Any, ...] = (capture.c.id,),
    limit: int | None = None,
) -> Iterator[OpenCapture]:
    """The captures that fulfil all conditions and may leave, as they are asked for."""
    may_leave = text(access_of(connection).capture("capture"))
    found = select(*_COLUMNS).where(*conditions, may_leave).order_by(*order).limit(limit)
    for row in connection.execute(found.execution_options(yield_per=_AT_ONCE)):
        yield OpenCapture(*row)


def around(
    connection: Connection, url: str, at: str, limit: int, *conditions: ColumnElement[bool]
) -> list[OpenCapture]:
    """At most so many captures of an address, the nearest in time first.

    `at`: UTC text; it may be cut short (`2023-01`). Of two equally near, the earlier first.
    Raises ValueError for an address that has no sort key.
    """
    mine = (capture.c.urlkey == urlkey(url), *conditions)
    time = capture.c.fetched_at
    before = open_captures(connection, *mine, time <= at, order=(time.desc(),), limit=limit)
    after = open_captures(connection, *mine, time > at, order=(time,), limit=limit)
    moment = _moment(at)

    def distance(one: OpenCapture) -> tuple[timedelta, str, int]:
        return abs(times.parse_utc(one.fetched_at) - moment), one.fetched_at, one.id

    return sorted((*before, *after), key=distance)[:limit]


def nearest(connection: Connection, url: str, at: str) -> OpenCapture | None:
    """What a page of `at` (UTC text) showed of an address, so far as it is known.

    The nearest in time, sound ones before others; None if there is none.
    """
    try:
        found = around(connection, url, at, 8)
        if found and not any(one.is_sound for one in found):
            sound = (capture.c.truncated.is_(None), capture.c.status < 400)
            found = around(connection, url, at, 1, *sound) or found
    except ValueError:
        return None
    return min(found, key=lambda one: not one.is_sound, default=None)


def _moment(at: str) -> datetime:
    whole = at + "0000-01-01T00:00:00.000000Z"[len(at) :]
    return times.parse_utc(whole)
