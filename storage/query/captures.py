"""The captures of an address, by time: what replay, Memento and the record inspector stand on.

Every capture that one of them names or shows comes out of `Captures._let_out`, and out of nowhere
else: what readers may not see is left out there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, select, text

from storage import times
from storage.archive import Archive
from storage.database.schema import capture
from storage.query.access import access_of
from storage.records import Record
from storage.urls import host_of, origin_of, urlkey
from storage.warc import lookup
from storage.warc.index import as_json, index_of

_NO_DIGIT = re.compile(r"\D")
_EACH_SIDE = 40
_LOOK_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A capture as an index knows it: what it is of, when, and where its record lies."""

    url: str
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
    provenance: str | None
    """None: no row of the database knows it."""
    truncated: str | None
    site: str | None
    """None: a donated file that no site has taken in."""
    run: str | None

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


class Captures:
    """The captures of an archive: the database's, and those of indexed files it knows not."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._unknown: tuple[float, list[Path]] = (float("-inf"), [])

    def near(self, url: str, at: datetime) -> list[Kept]:
        """The captures of an address around a moment (aware), and the first and last of all.

        Oldest first, at most 40 on each side of the moment. With those of addresses that differ
        only in what sort keys leave out (case, `www.`).
        """
        second = times.utc_text(at.replace(microsecond=999_999))
        before, after = capture.c.fetched_at <= second, capture.c.fetched_at > second
        found = self._let_out(url, before, newest=_EACH_SIDE)
        if len(found) >= _EACH_SIDE:
            found += self._let_out(url, before, oldest=_EACH_SIDE)
        later = self._let_out(url, after, oldest=_EACH_SIDE)
        if len(later) >= _EACH_SIDE:
            later += self._let_out(url, after, newest=_EACH_SIDE)
        return sorted(dict.fromkeys(found + later), key=_when)

    def every(self, url: str, stamp: str = "") -> list[Kept]:
        """All captures of a page (`page_of`) whose 14 digits begin with `stamp`, oldest first."""
        found = self._let_out(url)
        page = page_of(url)
        return [one for one in found if page_of(one.url) == page and one.stamp.startswith(stamp)]

    def at(self, file: str, offset: int) -> Kept | None:
        """The capture whose record lies there; None if there is none to be seen."""
        here = (capture.c.warc_file == file) & (capture.c.warc_offset == offset)
        return next(iter(self._let_out(None, here)), None)

    def by_record(self, record_id: str) -> Kept | None:
        """The capture of a record id, `<urn:uuid:…>`; None if there is none to be seen."""
        return next(iter(self._let_out(None, capture.c.record_id == record_id)), None)

    def has(self, url: str) -> bool:
        """Whether anything of an address was kept and may be seen."""
        return bool(self._let_out(url, oldest=1))

    def _let_out(
        self,
        url: str | None,
        *conditions: ColumnElement[bool],
        newest: int | None = None,
        oldest: int | None = None,
    ) -> list[Kept]:
        """The one way out: captures of an address, or under conditions alone, oldest first."""
        of_url = [capture.c.urlkey == urlkey(url)] if url is not None else []
        query = select(*_COLUMNS).where(*of_url, *conditions)
        order = capture.c.fetched_at.desc() if newest else capture.c.fetched_at
        with self._archive.reading() as connection:
            query = query.where(text(access_of(connection).capture("capture")))
            rows = connection.execute(query.order_by(order).limit(newest or oldest)).mappings()
            found = [_from_row(row) for row in rows]
            if url is not None and not newest:  # few files if any: not searched by time
                unknown = _from_indexes(self._unknown_indexes(connection), url)
                found += [one for one in unknown if _is_open(connection, one)]
        return sorted(found, key=_when)

    def _unknown_indexes(self, connection: Connection) -> list[Path]:
        """Indexes of files that no row speaks of: donated, or copied in, and not taken in yet."""
        looked, found = self._unknown
        if times.steady() - looked > _LOOK_AGAIN_SECONDS:
            folder = self._archive.folder
            names = [folder.name_of(path) for path in folder.warc_files()]
            there = [name for name in names if index_of(folder, name).exists()]
            found = [index_of(folder, name) for name in there if not _is_known(connection, name)]
            self._unknown = times.steady(), found
        return found


_COLUMNS = (
    capture.c.url,
    capture.c.fetched_at,
    capture.c.status,
    capture.c.mime,
    capture.c.location,
    capture.c.warc_file,
    capture.c.warc_offset,
    capture.c.warc_length,
    capture.c.record_id,
    capture.c.record_type,
    capture.c.payload_digest,
    capture.c.provenance,
    capture.c.truncated,
    capture.c.site,
    capture.c.run,
)


def _when(kept: Kept) -> str:
    return kept.fetched_at


def _from_row(row: RowMapping) -> Kept:
    values: dict[str, Any] = dict(row)
    names = ("warc_file", "warc_offset", "warc_length", "record_id")
    return Kept(record=Record(*(values.pop(name) for name in names)), **values)


def _is_open(connection: Connection, kept: Kept) -> bool:
    """The same condition, asked of a capture that has no row: a line of an index."""
    values = {
        "url": kept.url,
        "urlkey": urlkey(kept.url),
        "site": kept.site,
        "location": kept.location,
        "payload_digest": kept.payload_digest,
        "body_sha256": None,
    }
    row = ", ".join(f"CAST(:{name} AS TEXT) AS {name}" for name in values)
    condition = access_of(connection).capture("c")
    asked = text(f"SELECT 1 FROM (SELECT {row}) c WHERE {condition}")  # noqa: S608 no value in it
    return connection.execute(asked, values).first() is not None


def _is_known(connection: Connection, name: str) -> bool:
    query = select(capture.c.id).where(capture.c.warc_file == name).limit(1)
    return connection.execute(query).first() is not None


def _from_indexes(paths: Iterable[Path], url: str) -> Iterator[Kept]:
    for path in paths:
        with suppress(OSError):  # it went when it was taken in
            for line in lookup.find_lines(path, url):
                with suppress(ValueError, KeyError):  # `warc verify` names an index that is none
                    yield _from_line(as_json(line))


def _from_line(line: dict[str, str]) -> Kept:
    file, status, mime = line["filename"], line.get("status"), line.get("mime")
    top, _, rest = file.partition("/")
    moment = datetime.strptime(line["timestamp"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    is_revisit = mime == "warc/revisit"
    return Kept(
        url=line["url"],
        fetched_at=times.utc_text(moment),
        status=int(status) if status else None,
        mime=None if is_revisit else mime,
        location=None,
        record=Record(file, int(line["offset"]), int(line["length"]), ""),
        record_type="revisit" if is_revisit else "response",
        payload_digest=line.get("digest"),
        provenance=None,
        truncated=None,
        site=rest.partition("/")[0] if top == "warc" else None,
        run=None,
    )
