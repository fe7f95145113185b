"""What a file is, by its bytes, and packed ones unpacked to a file that can be walked."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from itertools import islice
from typing import IO, Any, Literal

import zstandard

from storage.store.file import WarcFile
from storage.warc import arc
from storage.warc.verify.walk import RawRecord, walk

Kind = Literal["warc", "arc", "arc.gz", "zstd", "lz4", "wacz", "page", "empty", "unknown"]

_PIECE = 1 << 16
_GZIP, _ZSTD, _LZ4 = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
_DICTIONARY = b"\x5d\x2a\x4d\x18"
"""The skippable frame with the dictionary of a .warc.zst: iipc/warc-specifications, warc-zstd."""
_ZIP = b"PK\x03\x04"
_PAGES = (".html", ".htm", ".xhtml", ".mht", ".mhtml", ".txt")
Broken = Callable[[int, str], None]
"""Told of what could not be unpacked: offset, and why."""


def kind_of(path: WarcFile) -> Kind:
    """What a file is; `page` by its name, everything else by its bytes. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(_PIECE)
    if not start:
        return "empty"
    signs: dict[bytes, Kind] = {_ZIP: "wacz", _ZSTD: "zstd", _DICTIONARY: "zstd", _LZ4: "lz4"}
    if start[:4] in signs:
        return signs[start[:4]]
    is_gzip = start.startswith(_GZIP)
    inside = _unzipped(start) if is_gzip else start
    if inside.startswith(arc.BEGIN):
        return "arc.gz" if is_gzip else "arc"
    if inside[:5].upper() == b"WARC/":
        return "warc"
    return "page" if path.suffix.lower() in _PAGES else _of_records(path)


def _of_records(path: WarcFile) -> Kind:
    """By the records that begin near its start, whatever stands before them."""
    if any(isinstance(found, RawRecord) for found in islice(walk(path), 3)):
        return "warc"
    return "arc" if arc.first_record(path) else "unknown"


def _unzipped(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(start, 512)
    except zlib.error:
        return b""


def unpack(path: WarcFile, kind: Kind, out: IO[bytes], broken: Broken) -> None:
    """Everything that a packed file gives, one piece behind the other. Raises OSError."""
    with path.open("rb") as file:
        if kind == "lz4":
            _unpack_lz4(file, out, broken)
        elif kind == "zstd":
            context = zstandard.ZstdDecompressor(dict_data=_dictionary(file))
            _unpack_frames(file, context.decompressobj, (_ZSTD,), out, broken)
        elif kind == "arc.gz":
            _unpack_frames(file, lambda: zlib.decompressobj(31), (_GZIP + b"\x08",), out, broken)
        else:
            for piece in iter(lambda: file.read(_PIECE), b""):
                out.write(piece)


def _dictionary(file: IO[bytes]) -> Any:
    """The dictionary that a .warc.zst begins with, itself packed or not; None if it has none."""
    magic, size = struct.unpack("<4sI", file.read(8).ljust(8, b"\0"))
    if magic != _DICTIONARY:
        file.seek(0)
        return None
    data = file.read(size)
    if data.startswith(_ZSTD):
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return zstandard.ZstdCompressionDict(data)


def _unpack_frames(
    file: IO[bytes],
    stream_of: Callable[[], Any],
    magics: tuple[bytes, ...],
    out: IO[bytes],
    broken: Broken,
) -> None:
    """Frame by frame; behind a damaged one at the next that begins."""
    at, size = file.tell(), file.seek(0, 2)
    while at < size:
        file.seek(at)
        stream, last = stream_of(), b""
        try:
            for last in iter(lambda: file.read(_PIECE), b""):
                out.write(stream.decompress(last))
                if stream.eof:
                    break
        except (zlib.error, zstandard.ZstdError) as error:
            broken(at, str(error))
            at = _next(file, at + 1, size, magics)
            continue
        if not stream.eof:
            broken(at, "the file ends within a frame")
            return
        at = file.tell() - len(stream.unused_data)


def _next(file: IO[bytes], at: int, size: int, magics: tuple[bytes, ...]) -> int:
    while at < size:
        file.seek(at)
        window = file.read(_PIECE + 4)
        found = [place for magic in magics if (place := window.find(magic)) >= 0]
        if found:
            return at + min(found)
        at += _PIECE
    return size


def _unpack_lz4(file: IO[bytes], out: IO[bytes], broken: Broken) -> None:
    from fastwarc.stream_io import Lz4Reader

    stream = Lz4Reader(file)
    try:
        for piece in iter(lambda: stream.read(_PIECE), b""):
            out.write(piece)
    except OSError as error:
        broken(file.tell(), str(error))
