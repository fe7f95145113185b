"""The captures that may leave the archive: of an address, by time, or under any conditions.

Replay, Memento, the record inspector, WACZ, pywb's index and ReplayWeb.page get what
`open_captures` gives and nothing else, so that what is closed or taken down is closed in all of
them by one condition, here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, select, text

from storage import times
from storage.database.schema import capture
from storage.query.access import access_of
from storage.records import Record
from storage.urls import host_of, origin_of, urlkey

_NO_DIGIT = re.compile(r"\D")
_EACH_SIDE = 40
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class OpenCapture:
    """A capture as an index knows it: what it is of, when, and where its record lies."""

    url: str
    urlkey: str
    fetched_at: str
    """UTC, `2024-03-01T03:00:00.000000Z`."""
    status: int | None
    """None: what came back was no HTTP, or the index does not say."""
    mime: str | None
    location: str | None
    """Where it redirects to; None if nowhere, or if the index does not say."""
    record: Record
    """Its id is '' where the index does not say."""
    record_type: str
    payload_digest: str | None
    truncated: str | None
    site: str | None
    """None: a donated file that no site has taken in."""
    id: int | None = None
    """Of its row; None, as for those below: no row of the database knows it."""
    run: str | None = None
    provenance: str | None = None
    refers_to: str | None = None
    """Id of the record that holds a revisit's payload."""

    @property
    def stamp(self) -> str:
        """When, in the 14 digits that archives use: `20240301030000`, UTC."""
        return _NO_DIGIT.sub("", self.fetched_at)[:14]

    @property
    def moment(self) -> datetime:
        """When, aware, UTC, to the second: as the 14 digits say it."""
        return times.parse_utc(self.fetched_at).replace(microsecond=0)

    @property
    def is_sound(self) -> bool:
        """Whether the address answered with a page or a file, or sent its reader to one."""
        return self.status is not None and 200 <= self.status < 400 and self.truncated is None

    @property
    def leads_to_itself(self) -> bool:
        """Whether it only sends its reader to the same page by https, with or without `www.`."""
        return self.location is not None and page_of(self.location) == page_of(self.url)


def page_of(url: str) -> str:
    """What addresses of one page share: no scheme, no `www.`; case and query count."""
    return host_of(url) + url[len(origin_of(url)) :]


_RECORD = ("warc_file", "warc_offset", "warc_length", "record_id")
_PLAIN = [name for name in OpenCapture.__dataclass_fields__ if name != "record"]
_COLUMNS = [capture.c[name] for name in (*_PLAIN, *_RECORD)]


def open_captures(
    connection: Connection,
    *conditions: ColumnElement[bool],
    order: tuple[Any, ...] = (capture.c.id,),
    limit: int | None = None,
) -> Iterator[OpenCapture]:
    """The captures that fulfil all conditions and may leave, as they are asked for."""
    may_leave = text(access_of(connection).capture("capture"))
    found = select(*_COLUMNS).where(*conditions, may_leave).order_by(*order).limit(limit)
    rows = connection.execute(found.execution_options(yield_per=_AT_ONCE))
    return map(_from_row, rows.mappings())


def _from_row(row: RowMapping) -> OpenCapture:
    values: dict[str, Any] = dict(row)
    return OpenCapture(record=Record(*(values.pop(name) for name in _RECORD)), **values)


def captures_near(connection: Connection, url: str, at: datetime) -> list[OpenCapture]:
    """The captures of an address around a moment (aware), and the first and last of all.

    Oldest first, at most 40 on each side of the moment's second. With those of addresses that
    differ only in what sort keys leave out (case, `www.`). Raises ValueError for an address that
    has no sort key.
    """
    mine, time = capture.c.urlkey == urlkey(url), capture.c.fetched_at
    second = times.utc_text(at.replace(microsecond=999_999))

    def ask(condition: ColumnElement[bool], order: Any) -> list[OpenCapture]:
        return list(open_captures(connection, mine, condition, order=(order,), limit=_EACH_SIDE))

    found = ask(time <= second, time.desc()) + ask(time > second, time)
    if len(found) >= _EACH_SIDE:
        found += ask(time <= second, time) + ask(time > second, time.desc())
    return sorted(dict.fromkeys(found), key=lambda one: one.fetched_at)


def nearest(found: Iterable[OpenCapture], url: str, at: datetime) -> OpenCapture | None:
    """Which of these captures shows an address at a moment (aware); None if there are none.

    A redirect from http to https or to `www.` is not the page that it leads to, and comes last.
    The page itself comes before pages that only share its sort key; then what was captured at
    that very second; then what is sound, before errors and half pages; then the nearest in time.
    """
    page = page_of(url)

    def rank(one: OpenCapture) -> tuple[bool, bool, bool, bool, float]:
        away = abs((one.moment - at).total_seconds())
        return one.leads_to_itself, page_of(one.url) != page, away >= 1, not one.is_sound, away

    return min(found, key=rank, default=None)
