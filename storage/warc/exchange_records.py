"""One exchange as WARC records: request, metadata, and the response last.

The response comes last so that a whole response means a whole exchange: recovery needs no
more to know that nothing of it is missing. Source: WARC/1.1 §6.3 to §6.7; `WARC-Protocol` and
`WARC-Cipher-Suite` are the community's extension (iipc/warc-specifications).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from storage import http, times
from storage.errors import DecodeError
from storage.exchange import Exchange
from storage.warc.info import WarcInfo
from storage.warc.record import Fields, member, new_record_id, sha1_digest, warc_fields

IDENTICAL_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


@dataclass(frozen=True, slots=True)
class Original:
    """The record that holds a payload seen before."""

    record_id: str
    url: str
    date: str
    """Its WARC-Date."""
    profile: str = IDENTICAL_PAYLOAD
    """How it is known to be the same (§6.7.2, §6.7.3)."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Digests of a response, `sha1:` and base32."""

    block: str
    payload: str | None
    """Over the body without its transfer coding; None for a response that was cut."""
    payload_length: int


def digests_of(exchange: Exchange) -> Digests:
    """Read the response once and take both digests."""
    block = sha1_digest(exchange.pieces())
    head = exchange.head()
    if head is None or exchange.truncated:
        return Digests(block, None, 0)
    try:
        if not http.is_chunked(head.headers):
            payload = sha1_digest(exchange.pieces(head.length))
            return Digests(block, payload, exchange.length - head.length)
        counted = _Counted(http.dechunk(exchange.pieces(head.length)))
        return Digests(block, sha1_digest(counted), counted.bytes)
    except DecodeError:  # Twisted was more lenient than we are: keep it, claim nothing of it
        return Digests(block, None, 0)


class _Counted:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self.bytes = pieces, 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.bytes += len(piece)
            yield piece


def exchange_members(
    exchange: Exchange, digests: Digests, original: Original | None, info: WarcInfo, info_id: str
) -> Iterator[tuple[bytes, bool]]:
    """The three members piece by piece; True marks the first piece of the response."""
    common: Fields = [
        ("WARC-Date", times.utc_text(exchange.fetched_at)),
        ("WARC-Target-URI", exchange.url),
        ("WARC-Warcinfo-ID", info_id),
    ]
    wire: Fields = [("WARC-IP-Address", exchange.ip), *_protocols(exchange)]
    for piece in _request(exchange, [*common, *wire]):
        yield piece, False
    for piece in _metadata(exchange, common, info):
        yield piece, False
    response = _revisit if original else _response
    first = True
    for piece in response(exchange, [*common, *wire], digests, original):
        yield piece, first
        first = False


def _protocols(exchange: Exchange) -> Fields:
    protocols: Fields = [("WARC-Protocol", "http/1.1")]
    if exchange.tls_version:  # OpenSSL says TLSv1.3 and TLSv1, the field wants tls/1.3 and tls/1.0
        name = exchange.tls_version.lower().replace("v", "/")
        name += "" if "." in name else ".0"
        protocols += [("WARC-Protocol", name), ("WARC-Cipher-Suite", exchange.cipher)]
    return protocols


def _request(exchange: Exchange, common: Fields) -> Iterator[bytes]:
    block = exchange.request
    fields: Fields = [
        ("WARC-Type", "request"),
        ("WARC-Record-ID", new_record_id()),
        *common,
        ("WARC-Concurrent-To", exchange.record_id),
        ("Content-Type", "application/http;msgtype=request"),
        ("WARC-Block-Digest", sha1_digest([block])),
    ]
    return member(fields, [block], len(block))


def _metadata(exchange: Exchange, common: Fields, info: WarcInfo) -> Iterator[bytes]:
    block = warc_fields(
        [
            ("via", exchange.via),
            ("hopsFromSeed", exchange.hops),
            ("fetchTimeMs", str(exchange.elapsed_ms)),
            ("tinhuyen-site", info.site),
            ("tinhuyen-run", info.run),
            ("tinhuyen-frontier", exchange.fingerprint.hex()),
            ("tinhuyen-tls", exchange.certificate),
            ("tinhuyen-role", exchange.role),
            ("tinhuyen-tries", str(exchange.tries)),
        ]
    )
    fields: Fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", new_record_id()),
        *common,
        ("WARC-Concurrent-To", exchange.record_id),
        ("Content-Type", "application/warc-fields"),
        ("WARC-Block-Digest", sha1_digest([block])),
    ]
    return member(fields, [block], len(block))


def _response(
    exchange: Exchange, common: Fields, digests: Digests, _: Original | None
) -> Iterator[bytes]:
    fields: Fields = [
        ("WARC-Type", "response"),
        ("WARC-Record-ID", exchange.record_id),
        *common,
        ("Content-Type", "application/http;msgtype=response"),
        ("WARC-Block-Digest", digests.block),
        ("WARC-Payload-Digest", digests.payload),
        ("WARC-Truncated", exchange.truncated),
    ]
    return member(fields, exchange.pieces(), exchange.length)


def _revisit(
    exchange: Exchange, common: Fields, digests: Digests, original: Original | None
) -> Iterator[bytes]:
    assert original is not None
    block = _head_block(exchange)
    left_out = original.profile == IDENTICAL_PAYLOAD  # a 304 has no payload to leave out
    fields: Fields = [
        ("WARC-Type", "revisit"),
        ("WARC-Record-ID", exchange.record_id),
        *common,
        ("WARC-Profile", original.profile),
        ("WARC-Refers-To", original.record_id),
        ("WARC-Refers-To-Target-URI", original.url),
        ("WARC-Refers-To-Date", original.date),
        ("WARC-Truncated", "length" if left_out else None),  # §6.7.2: shall be used then
        ("Content-Type", "application/http;msgtype=response"),
        ("WARC-Block-Digest", digests.block),
        ("WARC-Payload-Digest", digests.payload),
    ]
    return member(fields, [block], len(block))


def of_revisit(exchange: Exchange, digests: Digests, original: Original) -> Digests:
    """The digests of the exchange's record if that is a revisit: its block is the head alone."""
    payload = digests.payload if original.profile == IDENTICAL_PAYLOAD else None
    return replace(digests, block=sha1_digest([_head_block(exchange)]), payload=payload)


def _head_block(exchange: Exchange) -> bytes:
    head = exchange.head()
    assert head is not None
    return next(iter(exchange.pieces()))[: head.length]
