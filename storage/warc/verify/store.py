"""The archive's other files against its WARC files: manifest, rows, index, a replica."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from storage import times
from storage.database.schema import capture
from storage.folder import ArchiveFolder
from storage.store.file import OpenFile, WarcFile
from storage.warc import index
from storage.warc.verify.one import Place
from storage.warc.verify.rules import Flaw, Rule

_PIECE = 1 << 20
_CAPTURES = ("response", "revisit")


def check_index(folder: ArchiveFolder, name: str, places: Iterable[Place]) -> Iterator[Flaw]:
    """A file's CDXJ against the captures that it holds."""
    indexed = index.offsets(folder, name)
    captures = {place.offset for place in places if place.type in _CAPTURES}
    if indexed is None:
        yield Flaw(0, Rule.INDEX_DIFFERS, "there is none")
    elif missing := captures - indexed:
        yield Flaw(min(missing), Rule.INDEX_DIFFERS, f"{len(missing)} captures are not in it")


def check_rows(
    connection: Connection, name: str, places: Iterable[Place], *, ours: bool
) -> Iterator[Flaw]:
    """A file's captures against the database's rows.

    Of a file that is not ours, import leaves out what is no page, writes addresses in its own form
    and gives ids where there are none: only that the rows have their records is asked.
    """
    if not ours:
        yield from _check_places(connection, name, places)
        return
    rows = {row.record_id: row for row in _rows_of(connection, name)}
    captures = {place.id: place for place in places if place.type in _CAPTURES}
    for id_, row in rows.items():
        if id_ not in captures:
            yield Flaw(row.warc_offset, Rule.ROW_WITHOUT_RECORD, f"{id_} of {row.url}")
    for id_, place in captures.items():
        if id_ not in rows:
            yield Flaw(place.offset, Rule.RECORD_WITHOUT_ROW, id_)
        elif differing := _differences(place, rows[id_]):
            yield Flaw(place.offset, Rule.ROW_DIFFERS, ", ".join(differing))


def _check_places(connection: Connection, name: str, places: Iterable[Place]) -> Iterator[Flaw]:
    there = {place.offset for place in places}
    for row in _rows_of(connection, name):
        if row.warc_offset not in there:
            what = f"{row.record_id} of {row.url}"
            yield Flaw(row.warc_offset, Rule.ROW_WITHOUT_RECORD, what)


def _rows_of(connection: Connection, name: str) -> Any:
    return connection.execute(
        select(capture).where(capture.c.warc_file == name).order_by(capture.c.warc_offset)
    )


def _differences(place: Place, row: Any) -> list[str]:
    pairs = {
        "offset": (place.offset, row.warc_offset),
        "length": (place.length, row.warc_length),
        "type": (place.type, row.record_type),
        "url": (place.url, row.url),
        "date": (_moment(place.date), row.fetched_at),
        "payload digest": (place.payload, row.payload_digest),
        "refers to": (place.refers_to, row.refers_to),
    }
    return [
        f"{name}: {one!r} and {other!r}" for name, (one, other) in pairs.items() if one != other
    ]


def _moment(date: str) -> str:
    try:
        return times.utc_text(times.parse_utc(date))
    except ValueError:
        return date


def files_with_rows(connection: Connection) -> set[str]:
    """Names of all files that the database's rows name."""
    return set(connection.execute(select(capture.c.warc_file).distinct()).scalars())


def payload_of(connection: Connection, record_id: str) -> str | None:
    """The payload digest that the database knows of a record; '' if it knows the record alone."""
    row = connection.execute(
        select(capture.c.payload_digest).where(capture.c.record_id == record_id)
    ).first()
    return None if row is None else row.payload_digest or ""


def check_replica(path: WarcFile, replica: Path, open_file: OpenFile) -> Iterator[Flaw]:
    """A file against its copy, byte by byte; the offset is that of the first difference."""
    if not replica.is_file():
        yield Flaw(0, Rule.REPLICA_MISSING, str(replica))
        return
    with open_file(path) as one, open_file(replica) as other:
        for start in count(0, _PIECE):
            mine, theirs = one.read(_PIECE), other.read(_PIECE)
            if mine != theirs:
                at = next(
                    (n for n, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b),
                    min(len(mine), len(theirs)),
                )
                yield Flaw(start + at, Rule.REPLICA_DIFFERS, str(replica))
                return
            if not mine:
                return
