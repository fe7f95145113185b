"""Chosen records out of the archive's WARC files, byte for byte, with what was captured with them.

A file's chosen captures are copied in their order with their request and metadata records and the
file's warcinfo. So a file of ours whose captures are all chosen comes out as it went in, with the
sha256 of the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from isal import isal_zlib

from storage.folder import ArchiveFolder
from storage.store.file import WarcFile
from storage.warc import index
from storage.warc.verify.block import check_block
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.verify.walk import RawRecord, record_at

_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_COMPANIONS = ("request", "metadata")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a capture's record stands in its file, and its line of the index."""

    offset: int
    end: int
    line: str


@dataclass(frozen=True, slots=True)
class Part:
    """A record to be copied, or one that cannot be."""

    offset: int
    length: int
    place: Place | None = None
    """Of a capture; None for what goes with one."""
    flaw: Flaw | None = None
    """Why it stays behind."""


def places_of(folder: ArchiveFolder, name: str) -> list[Place]:
    """Every capture of a file in its order. Raises NotFound, OSError."""
    found = []
    for line in index.lines_of(folder, name):
        fields = json.loads(line.split(" ", 2)[2])
        offset = int(fields["offset"])
        found.append(Place(offset, offset + int(fields["length"]), line))
    return sorted(found, key=lambda place: place.offset)


def parts(path: WarcFile, places: list[Place], chosen: Mapping[int, str]) -> Iterator[Part]:
    """What to copy of a file, in its order. `chosen`: record ids by offset. Raises OSError.

    A request stands before its response or after it, next to it: so have it Heritrix, wget,
    warcio, Browsertrix and we.
    """
    end = 0
    with record_at(path, 0) as first:
        if first is not None and first.type == "warcinfo":
            yield Part(0, first.length)
            end = first.length
    missing = dict(chosen)
    before: set[str] = set()
    for place in places:
        record_id = missing.pop(place.offset, None)
        part, ids = _capture(path, place, record_id) if record_id else (None, set())
        yield from _companions(path, end, place.offset, before | ids)
        if part:
            yield part
        before, end = ids, place.end
    yield from _companions(path, end, path.stat().st_size, before)
    for offset in missing:
        yield Part(offset, 0, flaw=Flaw(offset, Rule.ROW_WITHOUT_RECORD))


def _capture(path: WarcFile, place: Place, record_id: str) -> tuple[Part, set[str]]:
    """A capture's record, and the ids by which others say that they go with it, or it says so."""
    length = place.end - place.offset
    with record_at(path, place.offset) as record:
        if record is None or not record.whole or record.id != record_id:
            flaw: Flaw | None = Flaw(place.offset, Rule.ROW_WITHOUT_RECORD)
            return Part(place.offset, length, place, flaw), set()
        wrong = (flaw for flaw in check_block(record) if flaw.rule is Rule.BAD_BLOCK_DIGEST)
        flaw = next(wrong, None)
        return Part(place.offset, length, place, flaw), set() if flaw else _ids(record)


def _companions(path: WarcFile, start: int, end: int, ids: set[str]) -> Iterator[Part]:
    """The records between two captures that were captured with one of them."""
    while ids and start < end:
        with record_at(path, _behind_breaks(path, start)) as record:
            if record is None:
                return
            if record.type in _COMPANIONS and _ids(record) & ids:
                yield Part(record.offset, record.length)
            start = record.offset + record.length


def _ids(record: RawRecord) -> set[str]:
    """A record's own id, and those of the records that it was captured with."""
    beside = (value for name, value in record.fields if name.lower() == "warc-concurrent-to")
    return {record.id or "", *beside} - {""}


def _behind_breaks(path: WarcFile, at: int) -> int:
    """Where the next record begins: in a plain file two line breaks stand before it."""
    with path.open("rb") as file:
        file.seek(at)
        rest = file.read(8)
    return at + len(rest) - len(rest.lstrip(b"\r\n"))


def member(path: WarcFile, part: Part) -> Iterator[bytes]:
    """A record as a gzip member: as it stands, or made one where the file is plain."""
    with path.open("rb") as file:
        file.seek(part.offset)
        left, start = part.length, file.read(len(_GZIP))
        file.seek(part.offset)
        plain = start != _GZIP
        stream = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31) if plain else None
        while left and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield stream.compress(piece) if stream else piece
        if stream:
            yield stream.compress(b"\r\n\r\n") + stream.flush()
