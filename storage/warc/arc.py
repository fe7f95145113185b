"""ARC 1 and 2: the Internet Archive's format before WARC.

A record is one line, `url ip date type length` (version 1) or with result code, checksum,
location, offset and file name between (version 2), and so many bytes; the first is the file's own,
`filedesc://`. Source: archive.org/web/researcher/ArcFileFormat.php.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from storage.store.file import WarcFile

_LINE = re.compile(
    rb"(?P<url>[A-Za-z][A-Za-z0-9+.-]*:[^\r\n]{1,8000}?) +(?P<ip>\S+) +(?P<date>\d{12,14}) "
    rb"(?P<rest>[^\r\n]*?) ?(?P<length>\d{1,15})[ \t]*\r?\n"
)
_OWN_LINE = re.compile(
    rb"(?P<url>filedesc:\S*) +(?P<ip>\S+) +(?P<date>\S+) "
    rb"(?P<rest>[^\r\n]*?) ?(?P<length>\d{1,15})\r?\n"
)
_LINE_BYTES = 1 << 14
_PIECE = 1 << 16
BEGIN = b"filedesc:"


@dataclass(frozen=True, slots=True)
class ArcRecord:
    """A record; its block can be read from `start` on."""

    offset: int
    url: str
    ip: str
    date: str
    """As WARC writes it; '' if the file does not tell."""
    mime: str
    start: int
    length: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that hold no record."""

    offset: int
    length: int
    start: bytes


def walk_arc(stream: IO[bytes], size: int) -> Iterator[ArcRecord | Gap]:
    """Every record of an unpacked ARC file, and what stands between them. Raises OSError."""
    at = 0
    while at < size:
        found = _record_at(stream, at, size)
        if isinstance(found, ArcRecord):
            yield found
            at = found.start + found.length
        else:
            following = _next(stream, at + 1, size)
            stream.seek(at)
            start = stream.read(min(following - at, 40))
            if start.strip(b"\r\n"):  # records are parted by line breaks
                yield Gap(at, following - at, start)
            at = following


def _record_at(stream: IO[bytes], at: int, size: int) -> ArcRecord | None:
    stream.seek(at)
    head = stream.read(_LINE_BYTES)
    blank = len(head) - len(head.lstrip(b"\r\n"))
    line = _LINE.match(head, blank) or _OWN_LINE.match(head, blank)
    if line is None or not line["rest"].strip():
        return None  # a length that is none (-1, abc) is no record's
    start, length = at + line.end(), int(line["length"])
    whole = start + length <= size
    return ArcRecord(
        offset=at + blank,
        url=line["url"].decode("utf-8", "replace"),
        ip=line["ip"].decode("latin-1"),
        date=_as_warc(line["date"].decode("latin-1")),
        mime=line["rest"].split()[0].decode("latin-1"),
        start=start,
        length=min(length, size - start),
        whole=whole,
    )


def _as_warc(date: str) -> str:
    if not date.isdigit():
        return ""
    full = date.ljust(14, "0")
    return f"{full[:4]}-{full[4:6]}-{full[6:8]}T{full[8:10]}:{full[10:12]}:{full[12:]}Z"


def _next(stream: IO[bytes], at: int, size: int) -> int:
    """Where the next record's line begins; the end if none does."""
    while at < size:
        stream.seek(at)
        window = stream.read(_PIECE + _LINE_BYTES)
        for found in _LINE.finditer(window):
            if found.start() == 0 or window[found.start() - 1 : found.start()] == b"\n":
                return at + found.start()
        at += _PIECE
    return size


def first_record(path: WarcFile) -> bool:
    """Whether an ARC record begins anywhere near a file's start. Raises OSError."""
    with path.open("rb") as file:
        size = min(file.seek(0, 2), _PIECE)
        return any(isinstance(found, ArcRecord) for found in walk_arc(file, size))
