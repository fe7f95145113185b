"""HTTP/1.1 messages as bytes: the head parsed, the body decoded. The only decoder there is.

Sources: RFC 9112 (message syntax, chunked), RFC 9110 §8.4 (content codings).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import brotli
import zstandard

from storage.errors import DecodeError

Headers = tuple[tuple[str, str], ...]

DECODED_MAX_BYTES = 64 << 20
"""A body that decodes to more than this is not read (its bytes are kept as they came)."""

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/\d+\.\d+ +(\d{3})(?: |$)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})")
_LINE_MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and header fields of a response."""

    status: int
    headers: Headers
    """As sent, in order, repeated names kept; folded lines joined, values trimmed, latin-1."""
    length: int
    """Bytes up to and with the empty line: where the body begins."""
    is_http_1_0: bool = False


def parse_head(message: bytes) -> Head | None:
    """The head of a response; None if the bytes hold no whole one. Raises: nothing.

    As lenient as browsers: bare LF, folded lines, lines without a colon skipped.
    """
    end = _HEAD_END.search(message)
    if end is None:
        return None
    first, *lines = _LINE_END.split(message[: end.start()])
    status = _STATUS_LINE.match(first)
    if status is None:
        return None
    return Head(int(status[1]), tuple(_fields(lines)), end.end(), first.startswith(b"HTTP/1.0"))


def _fields(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    unfolded: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and unfolded:
            unfolded[-1] += b" " + line.strip()
        else:
            unfolded.append(line)
    for line in unfolded:
        name, colon, value = line.partition(b":")
        if colon:
            yield name.strip().decode("latin-1"), value.strip().decode("latin-1")


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header field, whatever its case; None if it was not sent."""
    name = name.lower()
    return next((value for key, value in headers if key.lower() == name), None)


def _codings(headers: Headers, name: str) -> list[str]:
    values = ",".join(value for key, value in headers if key.lower() == name)
    return [coding for part in values.split(",") if (coding := part.strip().lower())]


def is_chunked(headers: Headers) -> bool:
    """Whether the body came in chunks (the last transfer coding is `chunked`)."""
    return _codings(headers, "transfer-encoding")[-1:] == ["chunked"]


class Chunks:
    """Follows a chunked body as it comes (RFC 9112 §7.1), and tells where it ends."""

    def __init__(self) -> None:
        self.done = False
        """The last chunk and the trailers were seen."""
        self.rest = b""
        """What came behind the end."""
        self._left = 0  # bytes of the current chunk still to come
        self._line = b""  # the start of a line still to come
        self._in_trailers = False

    def feed(self, data: bytes) -> bytes:
        """Take what came; returns the chunks' data in it. Raises DecodeError."""
        out, position = [], 0
        while position < len(data) and not self.done:
            if self._left:
                piece = data[position : position + self._left]
                out.append(piece)
                self._left -= len(piece)
                position += len(piece)
                continue
            end = data.find(b"\n", position) + 1
            self._line += data[position : end or len(data)]
            position = end or len(data)
            if end:
                self._take_line()
            elif len(self._line) > _LINE_MAX_BYTES:
                raise DecodeError("a chunk's size line does not end")
        if self.done:
            self.rest = data[position:]
        return b"".join(out)

    def _take_line(self) -> None:
        line, self._line = self._line.strip(), b""
        if self._in_trailers:
            self.done = not line
            return
        if not line:  # the line break behind the chunk before
            return
        size = _CHUNK_SIZE.match(line)
        if size is None:
            raise DecodeError(f"a chunk begins with {line[:20]!r} instead of its size")
        self._left = int(size[1], 16)
        self._in_trailers = self._left == 0


def dechunk(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The data of a chunked body, without sizes, extensions and trailers.

    Stops where a body that was cut stops. Raises DecodeError where a chunk has no size.
    """
    chunks = Chunks()
    for piece in pieces:
        if data := chunks.feed(piece):
            yield data


def payload_pieces(headers: Headers, pieces: Iterable[bytes]) -> Iterable[bytes]:
    """The payload as WARC/1.1 §6.3.2 means it: the body without its transfer coding."""
    return dechunk(pieces) if is_chunked(headers) else pieces


def decoded_pieces(headers: Headers, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The body without transfer and content codings, piece by piece: what a reader gets.

    A body that was cut gives what is there. Raises DecodeError if the codings do not fit
    the bytes, are unknown, or give more than DECODED_MAX_BYTES.
    """
    pieces, size = payload_pieces(headers, pieces), 0
    for coding in reversed(_codings(headers, "content-encoding")):
        pieces = _decoder(coding)(pieces)
    try:
        for piece in pieces:
            size += len(piece)
            if size > DECODED_MAX_BYTES:
                raise DecodeError(f"the body decodes to more than {DECODED_MAX_BYTES} bytes")
            yield piece
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise DecodeError(f"the body is not coded as its headers say: {error}") from error


def decode_body(headers: Headers, raw_body: bytes) -> bytes:
    """The whole decoded body; see `decoded_pieces`."""
    return b"".join(decoded_pieces(headers, (raw_body,)))


def _decoder(coding: str) -> Callable[[Iterable[bytes]], Iterable[bytes]]:
    if coding not in _DECODERS:
        raise DecodeError(f"unknown content coding {coding!r}")
    return _DECODERS[coding]


def _gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    start, rest = _peek(pieces, 2)
    if start[:2] != b"\x1f\x8b":  # servers that only claim it, and browsers that shrug
        yield from rest
        return
    member = zlib.decompressobj(31)
    for piece in rest:
        while piece:
            if member.eof:
                if piece[:2] != b"\x1f\x8b":  # padding behind the last member
                    return
                member = zlib.decompressobj(31)
            yield member.decompress(piece, _STEP)
            piece = member.unconsumed_tail or member.unused_data


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # RFC 9110 §8.4.1.2: some send raw deflate without the zlib wrapper (RFC 1950 §2.2)
    start, rest = _peek(pieces, 2)
    wrapped = start[:1] and start[0] & 15 == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    stream = zlib.decompressobj(15 if wrapped else -15)
    for piece in rest:
        while piece:
            yield stream.decompress(piece, _STEP)
            piece = stream.unconsumed_tail


def _unbrotli(pieces: Iterable[bytes]) -> Iterator[bytes]:
    stream = brotli.Decompressor()
    for piece in pieces:
        yield stream.process(piece, output_buffer_limit=_STEP)
        while not stream.can_accept_more_data():
            yield stream.process(b"", output_buffer_limit=_STEP)


def _unzstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # Joined, because only the reader over a whole buffer bounds what one step gives.
    reader = zstandard.ZstdDecompressor().stream_reader(b"".join(pieces), read_across_frames=True)
    while piece := reader.read(_STEP):
        yield piece


def _peek(pieces: Iterable[bytes], count: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `count` bytes, and everything with them."""
    iterator, start = iter(pieces), b""
    while len(start) < count and (piece := next(iterator, None)) is not None:
        start += piece
    return start[:count], chain((start,), iterator)


_STEP = 1 << 20
_DECODERS: dict[str, Callable[[Iterable[bytes]], Iterable[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
    "identity": lambda pieces: pieces,
}
