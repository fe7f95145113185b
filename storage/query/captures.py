"""The captures of an address: the database's, and those of indexed files that it knows not.

What replay, Memento and the record inspector stand on. Rows come from `open_captures`; a capture
that has no row, only a line of an index, is asked of the same condition in `_is_open`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, select, text

from storage import times
from storage.archive import Archive
from storage.database.schema import capture
from storage.query.access import access_of
from storage.query.open_captures import OpenCapture, captures_near, open_captures, page_of
from storage.records import Record
from storage.urls import urlkey
from storage.warc import lookup
from storage.warc.index import as_json, index_of

_LOOK_AGAIN_SECONDS = 60.0


class Captures:
    """The captures of an archive: the database's, and those of indexed files it knows not."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._unknown: tuple[float, list[Path]] = (float("-inf"), [])

    def near(self, url: str, at: datetime) -> list[OpenCapture]:
        """The captures around a moment, as `captures_near` says, and all that have no row."""
        with self._archive.reading() as connection:
            found = captures_near(connection, url, at) + self._without_row(connection, url)
        return sorted(found, key=_when)

    def every(self, url: str, stamp: str = "") -> list[OpenCapture]:
        """All captures of a page (`page_of`) whose 14 digits begin with `stamp`, oldest first."""
        with self._archive.reading() as connection:
            found = list(open_captures(connection, capture.c.urlkey == urlkey(url)))
            found += self._without_row(connection, url)
        page = page_of(url)
        mine = (one for one in found if page_of(one.url) == page and one.stamp.startswith(stamp))
        return sorted(mine, key=_when)

    def at(self, file: str, offset: int) -> OpenCapture | None:
        """The capture whose record lies there; None if there is none to be seen."""
        return self._one(capture.c.warc_file == file, capture.c.warc_offset == offset)

    def by_record(self, record_id: str) -> OpenCapture | None:
        """The capture of a record id, `<urn:uuid:…>`; None if there is none to be seen."""
        return self._one(capture.c.record_id == record_id)

    def has(self, url: str) -> bool:
        """Whether anything of an address was kept and may be seen."""
        if self._one(capture.c.urlkey == urlkey(url)) is not None:
            return True
        with self._archive.reading() as connection:
            return bool(self._without_row(connection, url))

    def _one(self, *conditions: ColumnElement[bool]) -> OpenCapture | None:
        with self._archive.reading() as connection:
            found = list(open_captures(connection, *conditions, limit=1))
        return found[0] if found else None

    def _without_row(self, connection: Connection, url: str) -> list[OpenCapture]:
        """Those that only an index knows: few if any, so not searched by time."""
        found = _from_indexes(self._unknown_indexes(connection), url)
        return [one for one in found if _is_open(connection, one)]

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


def _when(one: OpenCapture) -> str:
    return one.fetched_at


def _is_open(connection: Connection, one: OpenCapture) -> bool:
    """The same condition, asked of a capture that has no row: a line of an index."""
    values = {
        "url": one.url,
        "urlkey": one.urlkey,
        "site": one.site,
        "location": one.location,
        "payload_digest": one.payload_digest,
        "body_sha256": None,
    }
    row = ", ".join(f"CAST(:{name} AS TEXT) AS {name}" for name in values)
    condition = access_of(connection).capture("c")
    asked = text(f"SELECT 1 FROM (SELECT {row}) c WHERE {condition}")  # noqa: S608 no value in it
    return connection.execute(asked, values).first() is not None


def _is_known(connection: Connection, name: str) -> bool:
    query = select(capture.c.id).where(capture.c.warc_file == name).limit(1)
    return connection.execute(query).first() is not None


def _from_indexes(paths: Iterable[Path], url: str) -> Iterator[OpenCapture]:
    for path in paths:
        with suppress(OSError):  # it went when it was taken in
            for line in lookup.find_lines(path, url):
                with suppress(ValueError, KeyError):  # `warc verify` names an index that is none
                    yield _from_line(as_json(line))


def _from_line(line: dict[str, str]) -> OpenCapture:
    file, status, mime = line["filename"], line.get("status"), line.get("mime")
    top, _, rest = file.partition("/")
    moment = datetime.strptime(line["timestamp"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    is_revisit = mime == "warc/revisit"
    return OpenCapture(
        url=line["url"],
        urlkey=urlkey(line["url"]),
        fetched_at=times.utc_text(moment),
        status=int(status) if status else None,
        mime=None if is_revisit else mime,
        location=None,
        record=Record(file, int(line["offset"]), int(line["length"]), ""),
        record_type="revisit" if is_revisit else "response",
        payload_digest=line.get("digest"),
        truncated=None,
        site=rest.partition("/")[0] if top == "warc" else None,
    )
