"""A WARC file into its records, gzipped or plain, and whatever is wrong with their frames.

Goes on behind damage at the next place where a record begins, so that one flaw hides no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from isal import isal_zlib

from storage.store.file import OpenFile, WarcFile, open_binary
from storage.warc.members import next_member
from storage.warc.verify.rules import Flaw, Rule

_PIECE = 1 << 16
_SPOOL_BYTES = 8 << 20
MEMBER_MAX_BYTES = 8 << 30
"""A gzip member that decompresses to more is a bomb, not a record of a 1 GB file."""

_HEAD_MAX_BYTES = 1 << 20
_END = b"\r\n\r\n"
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_VERSION = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?\n", re.IGNORECASE)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # token, RFC 9110 §5.6.2
_BEGIN = b"WARC/"
_GZIP = b"\x1f\x8b"
_RECORD = re.compile(rb"WARC/\d\.\d+\r?\n[A-Za-z-]+:", re.IGNORECASE)
_WHOLE = (Rule.NO_RECORD_END, Rule.SHORT_END)
_RECORD_BYTES = 80  # enough for a match of the pattern

Fields = tuple[tuple[str, str], ...]


class Block:
    """A record's block. Readable until the next record is asked for."""

    def __init__(self, stream: IO[bytes], start: int, length: int) -> None:
        self._stream, self._start, self.length = stream, start, length

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """Its bytes from `start` on."""
        at, end = self._start + start, self._start + self.length
        while at < end:
            self._stream.seek(at)
            piece = self._stream.read(min(_PIECE, end - at))
            at += len(piece)
            yield piece

    def beginning(self, size: int) -> bytes:
        """At most its first `size` bytes."""
        self._stream.seek(self._start)
        return self._stream.read(min(size, self.length))


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it stands in its file."""

    offset: int
    length: int
    """Bytes in the file: of its gzip member, or of the record without the line breaks behind it."""
    version: str
    fields: Fields
    block: Block
    whole: bool
    """Its block is as long as it says; if not, its digests say nothing."""

    named: dict[str, str]
    """The first value of each field, by its name in lower case."""

    def get(self, name: str) -> str | None:
        """The first value of a named field; `name` in lower case."""
        return self.named.get(name)

    @property
    def type(self) -> str:
        """Its WARC-Type in lower case; '' if it names none."""
        return self.named.get("warc-type", "").lower()

    @property
    def id(self) -> str | None:
        """Its WARC-Record-ID."""
        return self.named.get("warc-record-id")


def walk(path: WarcFile, open_file: OpenFile = open_binary) -> Iterator[RawRecord | Flaw]:
    """Every record in order, and every flaw of a frame. Raises: OSError only."""
    size = path.stat().st_size
    with open_file(path) as file:
        start = file.read(_PIECE)
        if not size:
            yield Flaw(0, Rule.EMPTY_FILE)
        elif _begins(start):
            yield from _walk_records(file, 0, size, None)
        elif start.startswith(_GZIP) or next_member(file, 0, size) < size:
            yield from _walk_members(file, size)
        elif _next_record(file, 0, size) < size:
            yield from _walk_records(file, 0, size, None)
        else:
            yield Flaw(0, Rule.NOT_WARC, f"it begins with {start[:16]!r}")


@contextmanager
def record_at(path: WarcFile, offset: int) -> Iterator[RawRecord | None]:
    """The record that begins at an offset; None if none does. Raises OSError."""
    with path.open("rb") as file, SpooledTemporaryFile(_SPOOL_BYTES) as content:
        file.seek(offset)
        start = file.read(len(_BEGIN))
        found: Iterator[RawRecord | Flaw] = iter(())
        if start.startswith(_GZIP):
            length = _inflate(file, offset, content)
            if isinstance(length, int):
                found = _walk_records(content, 0, content.tell(), (offset, length))
        elif _begins(start):
            found = _walk_records(file, offset, path.stat().st_size, None)
        record = next((one for one in found if isinstance(one, RawRecord)), None)
        yield record if record and record.offset == offset else None


def _walk_members(file: IO[bytes], size: int) -> Iterator[RawRecord | Flaw]:
    offset = 0
    while offset < size:
        with SpooledTemporaryFile(_SPOOL_BYTES) as content:
            length = _inflate(file, offset, content)
            if isinstance(length, int):
                yield from _walk_records(content, 0, content.tell(), (offset, length))
                offset += length
                continue
        end = next_member(file, offset + 1, size)
        yield _gap(file, offset, end, size, length)
        offset = end


def _inflate(file: IO[bytes], offset: int, content: IO[bytes]) -> int | str:
    """Decompress the member at `offset`; its length in the file, or why it has none."""
    file.seek(offset)
    stream = isal_zlib.decompressobj(31)  # a third of zlib's time
    while not stream.eof:
        piece = file.read(_PIECE)
        if not piece:
            return ""  # the file ended
        try:
            content.write(stream.decompress(piece))
        except isal_zlib.error as error:  # type: ignore[misc]  # its stub has it as an instance
            return str(error)
        if content.tell() > MEMBER_MAX_BYTES:
            return f"it decompresses to more than {MEMBER_MAX_BYTES} bytes"
    return file.tell() - len(stream.unused_data) - offset


def _gap(file: IO[bytes], offset: int, end: int, size: int, reason: str) -> Flaw:
    """What stands where no whole member does, up to the next one."""
    file.seek(offset)
    start = file.read(16)
    if start.startswith(_GZIP):
        if not reason and end == size:
            return Flaw(offset, Rule.TORN_TAIL, f"{size - offset} bytes of a member")
        return Flaw(offset, Rule.BAD_GZIP, reason or "the member has no end")
    rule = Rule.TRAILING_GARBAGE if end == size else Rule.GARBAGE_BETWEEN
    return Flaw(offset, rule, f"{end - offset} bytes: {start!r}")


def _walk_records(
    stream: IO[bytes], at: int, end: int, member: tuple[int, int] | None
) -> Iterator[RawRecord | Flaw]:
    """Records one behind the other: of a plain file, or of what one gzip member holds.

    `member` is the member's offset and length; None for a plain file.
    """
    walker = _Walker(stream, end, member)
    if member and at == end:
        yield Flaw(member[0], Rule.EMPTY_MEMBER)
    count = 0
    while at < end:
        if count == 1 and member:
            yield Flaw(member[0], Rule.ONE_GZIP_STREAM)
        at, found = walker.take(at)
        yield from found
        count += 1


class _Walker:
    def __init__(self, stream: IO[bytes], end: int, member: tuple[int, int] | None) -> None:
        self._stream, self._end, self._member = stream, end, member

    def take(self, at: int) -> tuple[int, list[RawRecord | Flaw]]:
        """What begins at `at`, and where to go on."""
        offset = self._member[0] if self._member else at
        head = self._read_head(at)
        match = _HEAD_END.search(head)
        if match is None or not _VERSION.match(head):
            return self._skip(at, offset, head, torn=match is None)
        version, fields, flaws = _parse_head(head[: match.end()], offset)
        stated = _length(fields)
        start = at + match.end()
        if stated is None:
            following = _next_record(self._stream, start, self._end)
            flaws.append(Flaw(offset, Rule.MISSING_FIELD, "Content-Length, or it is no number"))
            return following, [*flaws, self._record(at, following, version, fields, start, None)]
        following, flaw = self._find_end(at, start, stated, offset)
        flaws += [flaw] if flaw else []
        length = stated if flaw is None or flaw.rule in _WHOLE else None
        return following, [
            *flaws, self._record(at, following, version, fields, start, length)
        ]  # fmt: skip

    def _record(
        self, at: int, following: int, version: str, fields: Fields, start: int, length: int | None
    ) -> RawRecord:
        held = max(0, following - start) if length is None else length
        offset, size = self._member or (at, start + held - at)
        block = Block(self._stream, start, held)
        named = {name.lower(): value for name, value in reversed(fields)}
        return RawRecord(offset, size, version, fields, block, length is not None, named)

    def _read_head(self, at: int) -> bytes:
        self._stream.seek(at)
        head = b""
        while len(head) < _HEAD_MAX_BYTES and not _HEAD_END.search(head):
            piece = self._stream.read(min(4096, self._end - at - len(head)))
            if not piece:
                break
            head += piece
        return head

    def _skip(
        self, at: int, offset: int, head: bytes, *, torn: bool
    ) -> tuple[int, list[RawRecord | Flaw]]:
        """No record begins here: to the next one."""
        following = _next_record(self._stream, at + 1, self._end)
        what = f"{following - at} bytes: {head[:16]!r}"
        if torn and following == self._end and _begins(head) and not self._member:
            return following, [Flaw(offset, Rule.TORN_TAIL, "it ends within a record head")]
        if (
            self._member or at == 0 or b"\nwarc-" in head[: following - at].lower()
        ):  # a damaged head, not garbage
            return following, [Flaw(offset, Rule.BAD_HEADER, what)]
        rule = Rule.TRAILING_GARBAGE if following == self._end else Rule.GARBAGE_BETWEEN
        return following, [Flaw(offset, rule, what)]

    def _find_end(self, at: int, start: int, stated: int, offset: int) -> tuple[int, Flaw | None]:
        """Where the record ends, and what is wrong with that."""
        end = start + stated
        if end > self._end:
            following = _next_record(self._stream, start, self._end)
            what = f"{stated} bytes stated, {self._end - start} there"
            torn = following == self._end and not self._member
            return following, Flaw(offset, Rule.TORN_TAIL if torn else Rule.LENGTH_LIES, what)
        self._stream.seek(end)
        rest = self._stream.read(min(len(_END) + len(_BEGIN), self._end - end))
        if rest.startswith(_END):
            if not self._member or rest == _END or _begins(rest[4:]):
                return end + len(_END), None
        elif not (behind := rest.lstrip(b"\r\n")) or _begins(behind):
            breaks = rest.removesuffix(behind)
            short = self._member and not stated and breaks == b"\r\n"
            rule = Rule.SHORT_END if short else Rule.NO_RECORD_END
            flaw = Flaw(offset, rule, f"{breaks!r} instead")
            return end + len(breaks), flaw
        following = _next_record(self._stream, start, self._end)
        return following, Flaw(offset, Rule.LENGTH_LIES, f"{stated} bytes stated, more are there")


def _begins(data: bytes) -> bool:
    return data[: len(_BEGIN)].upper() == _BEGIN  # ABNF literals know no case (§4)


def _length(fields: Fields) -> int | None:
    value = next((value for name, value in fields if name.lower() == "content-length"), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def _parse_head(head: bytes, offset: int) -> tuple[str, Fields, list[Any]]:
    flaws = []
    if head.count(b"\n") != head.count(b"\r\n"):
        flaws.append(Flaw(offset, Rule.BARE_LF))
    version, *lines = re.split("\r?\n", head.decode("utf-8", "replace").rstrip("\r\n"))
    unfolded: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1] += " " + line.strip()
            flaws.append(Flaw(offset, Rule.FOLDED_FIELD, unfolded[-1].partition(":")[0]))
        else:
            unfolded.append(line)
    fields = []
    for line in unfolded:
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name.strip()):
            fields.append((name.strip(), value.strip()))
        else:
            flaws.append(Flaw(offset, Rule.BAD_FIELD, f"no named field: {line[:40]!r}"))
    return version.strip(), tuple(fields), flaws


def _next_record(stream: IO[bytes], start: int, end: int) -> int:
    """Where the next record begins: a version line and a named field; `end` if none does."""
    position = start
    while position < end:
        stream.seek(position)
        found = _RECORD.search(stream.read(min(_PIECE + _RECORD_BYTES, end - position)))
        if found:
            return position + found.start()
        position += _PIECE
    return end
