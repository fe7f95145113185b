"""A record's block against its digests, and against the HTTP message that it holds."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from storage import http
from storage.errors import DecodeError
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.verify.walk import Block, RawRecord

HEAD_MAX_BYTES = 1 << 20
"""An HTTP head beyond this is none."""

_ALGORITHMS = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
_SECRETS = ("cookie", "authorization", "proxy-authorization", "x-api-key")
_REQUEST_LINE = re.compile(rb"[A-Z!#$%&'*+.^_`|~-]+ \S.* HTTP/\d\.\d\r?\n")


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest as a field gives it: `sha1:` and base32, or base16."""

    algorithm: str
    value: bytes

    def of(self, pieces: Iterable[bytes]) -> bool:
        """Whether it is the digest of these bytes."""
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        for piece in pieces:
            digest.update(piece)
        return digest.digest() == self.value


def parse_digest(text: str) -> Digest | None:
    """A digest field's value; None if its form or algorithm cannot be checked.

    Base16 in either case and base32 are in use (§5.8 leaves the form open); padding strays.
    """
    algorithm, _, value = text.partition(":")
    name = algorithm.strip().lower().replace("-", "")
    size = _ALGORITHMS.get(name)
    if size is None:
        return None
    for length, decode in ((size * 2, bytes.fromhex), (-(-size * 8 // 5), _base32)):
        if len(value) == length:
            try:
                return Digest(name, decode(value))
            except ValueError:
                return None
    return None


def _base32(value: str) -> bytes:
    return base64.b32decode(value.upper() + "=" * (-len(value) % 8))


def check_block(record: RawRecord) -> Iterator[Flaw]:
    """Every flaw of a whole record's block."""
    for rule, detail in _flaws(record):
        yield Flaw(record.offset, rule, detail)


def _flaws(record: RawRecord) -> Iterator[tuple[Rule, str]]:
    if record.get("warc-block-digest") is None:
        yield Rule.NO_BLOCK_DIGEST, ""
    else:
        yield from _compare(
            record, "warc-block-digest", Rule.BAD_BLOCK_DIGEST, [record.block.pieces]
        )
    if not is_http(record):
        if record.type != "revisit":
            yield from _payload(record, [record.block.pieces])
        return
    message = record.block.beginning(HEAD_MAX_BYTES)
    if record.type == "request":
        yield from _request(record, message)
    else:
        yield from _response(record, http.parse_head(message))


def is_http(record: RawRecord) -> bool:
    """Whether the block is an HTTP message."""
    kind = (record.get("content-type") or "").lower()
    if record.type in ("response", "request", "revisit"):
        address = (record.get("warc-target-uri") or "").lstrip("<").lower()
        return "application/http" in kind or (not kind and address.startswith("http"))
    return False


def _request(record: RawRecord, message: bytes) -> Iterator[tuple[Rule, str]]:
    if not _REQUEST_LINE.match(message):
        yield Rule.NO_HTTP_HEAD, f"it begins with {message[:20]!r}"
    head, *_ = re.split(rb"\r?\n\r?\n", message, maxsplit=1)
    names = {
        line.partition(b":")[0].strip().lower().decode("latin-1") for line in head.split(b"\n")
    }
    for name in _SECRETS:
        if name in names:
            yield Rule.SECRET, name
    start = len(head) + 4
    yield from _payload(record, [record.block.pieces, lambda: record.block.pieces(start)])


def _response(record: RawRecord, head: http.Head | None) -> Iterator[tuple[Rule, str]]:
    block = record.block
    if head is None:  # and so no payload that one could speak of
        yield Rule.NO_HTTP_HEAD, f"it begins with {block.beginning(20)!r}"
    if head is None or record.type == "revisit":  # a revisit's payload is elsewhere: places.py
        return
    yield from _payload(record, _payload_forms(block, head))
    if not record.get("warc-segment-number"):
        yield from _coding(record, head)


def _payload_forms(block: Block, head: http.Head) -> list[Callable[[], Iterable[bytes]]]:
    """The payload as §6.3.2 means it first, then as some writers took it."""

    def body() -> Iterator[bytes]:
        return block.pieces(head.length)

    return [
        lambda: http.payload_pieces(head.headers, body()),
        body,
        lambda: http.decoded_pieces(head.headers, body()),
    ]


def _payload(
    record: RawRecord, forms: list[Callable[[], Iterable[bytes]]]
) -> Iterator[tuple[Rule, str]]:
    if record.get("warc-payload-digest") is not None and not record.get("warc-segment-number"):
        yield from _compare(record, "warc-payload-digest", Rule.BAD_PAYLOAD_DIGEST, forms)


def _compare(
    record: RawRecord, field: str, bad: Rule, forms: list[Callable[[], Iterable[bytes]]]
) -> Iterator[tuple[Rule, str]]:
    """The first form is the right one; another one is a known way to stray."""
    text = record.get(field) or ""
    digest = parse_digest(text)
    if digest is None:
        yield Rule.UNKNOWN_DIGEST, f"{field}: {text[:60]}"
        return
    matching = next((n for n, form in enumerate(forms) if _matches(digest, form)), None)
    if matching is None:
        yield bad, text
    elif matching > 0 and record.type != "request":
        yield Rule.PAYLOAD_DIGEST_OTHERWISE, text


def _matches(digest: Digest, form: Callable[[], Iterable[bytes]]) -> bool:
    try:
        return digest.of(form())
    except DecodeError:
        return False


def _coding(record: RawRecord, head: http.Head) -> Iterator[tuple[Rule, str]]:
    """Whether the body is what its HTTP headers say: coded so, and so long."""
    cut = record.get("warc-truncated") is not None
    chunked, length = http.is_chunked(head.headers), record.block.length - head.length
    if chunked:
        yield from _chunks(record.block, head, cut=cut)
    elif not cut:
        stated = http.header(head.headers, "content-length") or ""
        if stated.isdigit() and int(stated) != length and _has_body(head):
            yield Rule.HTTP_LENGTH_DIFFERS, f"{stated} stated, {length} there"
    if length and not cut:
        yield from _content_coding(record.block, head)


def _has_body(head: http.Head) -> bool:
    """RFC 9110 §6.4.1. A response to HEAD cannot be told from here; crawls ask by GET."""
    return head.status >= 200 and head.status not in (204, 304)


def _chunks(block: Block, head: http.Head, *, cut: bool) -> Iterator[tuple[Rule, str]]:
    chunks, found = http.Chunks(), 0
    try:
        for piece in block.pieces(head.length):
            found += len(chunks.feed(piece))
    except DecodeError as error:
        yield Rule.CODING_DIFFERS, f"chunked: {error}"
        return
    if chunks.done or cut or block.length == head.length:
        return
    if not found:
        yield Rule.CODING_DIFFERS, "chunked: there is no chunk in it"
    else:
        yield Rule.HTTP_LENGTH_DIFFERS, "the last chunk is missing"


def _content_coding(block: Block, head: http.Head) -> Iterator[tuple[Rule, str]]:
    coding = (http.header(head.headers, "content-encoding") or "").strip().lower()
    if coding in ("", "identity"):
        return
    try:
        payload = http.payload_pieces(head.headers, block.pieces(head.length))
        start = next(iter(payload), b"")
        if (
            coding in ("gzip", "x-gzip")
            and start
            and not start.startswith(b"\x1f\x8b"[: len(start)])
        ):
            yield Rule.CODING_DIFFERS, f"{coding}: it begins with {start[:10]!r}"
            return
        for _ in http.decoded_pieces(head.headers, block.pieces(head.length)):
            pass
    except DecodeError as error:
        yield Rule.CODING_DIFFERS, f"{coding}: {error}"
