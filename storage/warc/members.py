"""A gzipped WARC file walked member by member, whatever state a crash left it in."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO

from storage.errors import TornRecord
from storage.store.file import WarcFile

_PIECE = 1 << 16
_MAGIC = b"\x1f\x8b\x08"
_KEPT_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Member:
    """A whole record: checked to its last byte, gzip's CRC and record length included."""

    offset: int
    length: int
    fields: dict[str, str]
    """Named fields, names in lower case; of a repeated name the last."""
    block: bytes
    """The first 256 KB of the block."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that hold no whole record: a torn tail, or damage in the middle."""

    offset: int
    length: int
    reason: str


def walk(path: WarcFile, start: int = 0, end: int | None = None) -> Iterator[Member | Gap]:
    """Every member of a file in order, and every gap between them. Raises: OSError only.

    `start` and `end` are offsets of members, to walk a part of the file.
    """
    size = path.stat().st_size if end is None else end
    with path.open("rb") as file:
        offset = start
        while offset < size:
            try:
                found: Member | Gap = _read_member(file, path, offset)
            except TornRecord as torn:
                end = next_member(file, offset + 1, size)
                found = Gap(offset, end - offset, str(torn))
            yield found
            offset += found.length


def _read_member(file: BinaryIO, path: WarcFile, offset: int) -> Member:
    file.seek(offset)
    stream, reader = zlib.decompressobj(31), _RecordReader()
    while not stream.eof:
        piece = file.read(_PIECE)
        if not piece:
            raise TornRecord("the file ends within a record", path, offset)
        try:
            reader.feed(stream.decompress(piece))
        except zlib.error as error:
            raise TornRecord(f"no gzip member: {error}", path, offset) from error
        except ValueError as error:
            raise TornRecord(str(error), path, offset) from error
    if not reader.whole:
        raise TornRecord("the record's length is not the one it states", path, offset)
    length = file.tell() - len(stream.unused_data) - offset
    return Member(offset, length, reader.fields, bytes(reader.block))


class _RecordReader:
    """Takes a record's bytes as they come; keeps its fields and the start of its block."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.block = bytearray()
        self._head, self._left, self._tail = bytearray(), 0, bytearray()

    def feed(self, data: bytes) -> None:
        if not self.fields:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self.fields = _parse_fields(bytes(self._head[:end]))
            self._left = int(self.fields["content-length"])
            data = bytes(self._head[end + 4 :])
        of_block = data[: self._left]
        self._left -= len(of_block)
        self.block += of_block[: max(0, _KEPT_BLOCK_BYTES - len(self.block))]
        self._tail += data[len(of_block) :]

    @property
    def whole(self) -> bool:
        return bool(self.fields) and self._left == 0 and bytes(self._tail) == b"\r\n\r\n"


def _parse_fields(head: bytes) -> dict[str, str]:
    version, *lines = head.decode("utf-8", "replace").split("\r\n")
    if not version.startswith("WARC/"):
        raise ValueError("the member holds no WARC record")
    fields = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if not fields.get("content-length", "").isdigit():
        raise ValueError("the record states no length")
    return fields


def next_member(file: IO[bytes], start: int, size: int) -> int:
    """Where the next member that holds a WARC record begins; the file's end if none does."""
    position = start
    while position < size:
        file.seek(position)
        window = file.read(_PIECE + len(_MAGIC))
        found = window.find(_MAGIC)
        if found < 0:
            position += _PIECE
            continue
        position += found
        file.seek(position)
        try:
            if zlib.decompressobj(31).decompress(file.read(4096), 5) == b"WARC/":
                return position
        except zlib.error:
            pass
        position += 1
    return size
