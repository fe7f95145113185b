"""Records read, many at a time, in a process of their own: bytes to what the database keeps.

Everything here is told by its arguments alone, so that it may run anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crawler.outcome import Limits
from crawler.sites import Site
from crawler.steps import read_stored
from storage import http
from storage.database.pages import Kept
from storage.errors import DecodeError
from storage.records import Capture, Failure, FrontierRow, Page, Record, Role
from storage.urls import origin_of
from storage.warc.exchange_records import Digests
from storage.warc.foreign import FROM_INDEX, PROVENANCE, PUBLIC_ARCHIVES, read_foreign
from storage.warc.record import sha1_digest
from storage.warc.verify.block import Digest, parse_digest
from storage.warc.writer import Appended

_LAST_TRY = Limits(max_tries=1)
_FEEDS = frozenset({"application/rss+xml", "application/atom+xml", "text/xml", "application/xml"})
_EXPECTED = {"wayback": ("archive_orig_headers",)}
"""Findings that say nothing of a capture of this provenance."""
_SERVING = ("text/css", "text/javascript", "application/javascript", "application/x-javascript")


@dataclass(frozen=True, slots=True)
class Raw:
    """A record of somebody's file, with its block."""

    file: str
    offset: int
    length: int
    fields: dict[str, str]
    """Named fields, names in lower case."""
    block: bytes
    """The first bytes of a block that is too large to be read."""
    whole: bool
    block_digest: str | None = None
    """Of the whole block where that is too large; None: it is all here."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A record as the database takes it in."""

    raw_offset: int
    record_id: str
    kept: Kept | None
    """None if it is no capture."""
    findings: tuple[tuple[str, str], ...]
    """Kind, and what stands there."""


@dataclass(frozen=True, slots=True)
class Raws:
    """Some records of one file, and whose they are."""

    records: list[Raw]
    sites: list[Site | None]
    """Of each; None for what has no address."""
    are_read: list[bool]
    """Whether pages of its site are read: else they are only kept."""

    @property
    def where(self) -> str:
        """File and place."""
        first = self.records[0]
        return f"{first.file}, from byte {first.offset} on"


def read_raws(raws: Raws) -> list[Taken]:
    """What each record holds. Raises: nothing.

    A revisit is not read here: its body is another record's.
    """
    each = zip(raws.records, raws.sites, raws.are_read, strict=True)
    return [_take(raw, site if is_read else None) for raw, site, is_read in each]


def _take(raw: Raw, site: Site | None) -> Taken:
    digest = raw.block_digest or sha1_digest([raw.block])
    read = read_foreign(raw.fields, raw.block, digest, whole=raw.whole)
    url = raw.fields.get("warc-target-uri", "")
    caught_by = _provenance(raw)
    expected = _EXPECTED.get(caught_by, ())
    findings = [(kind, url) for kind in read.findings if kind not in expected]
    if read.capture is None:
        return Taken(raw.offset, read.record_id, None, tuple(findings))
    record = Record(raw.file, raw.offset, raw.length, read.record_id)
    capture = replace(read.capture, record=record)
    kind = raw.fields["warc-type"].lower()
    wrong = _wrong_digests(raw, capture, digest)
    findings += [(what, url) for what in wrong]
    if raw.block_digest is not None:
        findings.append(("too_large", url))
    is_read = site is not None and kind != "revisit" and raw.block_digest is None
    page = read_donated(capture, site) if is_read and site else Page(_row(capture), capture=capture)
    marks = tuple(Failure("fetch", what, "kept as it is", skipped=True) for what in wrong)
    page = replace(
        page, capture=replace(capture, raw_body=b""), found=None, links=(),
        failures=(*page.failures, *marks),
    )  # fmt: skip
    appended = Appended(record, kind, _digests(raw, digest), raw.fields.get("warc-refers-to"))
    reading = "pending" if kind == "revisit" and site is not None else None
    kept = Kept(
        page, appended, provenance=caught_by, ip=raw.fields.get("warc-ip-address"), reading=reading
    )
    return Taken(raw.offset, read.record_id, kept, tuple(findings))


def _provenance(raw: Raw) -> str:
    """Who caught it: what a record that was rescued says, here or in another archive like this."""
    told = raw.fields.get(PROVENANCE.lower(), "")
    return told if told in PUBLIC_ARCHIVES else "donated"


def _digests(raw: Raw, digest: str) -> Digests:
    payload = raw.fields.get("warc-payload-digest")
    return Digests(digest, payload, 0)


def _wrong_digests(raw: Raw, capture: Capture, digest: str) -> list[str]:
    """Digests that are not those of the bytes. What was decoded after it was digested is told so.

    Writers take the payload's over the body as it came, or without its transfer coding, or decoded.
    """
    if not raw.whole or raw.block_digest is not None:
        return []
    wrong = []
    stated = parse_digest(raw.fields.get("warc-block-digest", ""))
    if stated and stated != parse_digest(digest) and not stated.of([raw.block]):
        wrong.append("bad_block_digest")
    is_response = raw.fields["warc-type"].lower() == "response"
    if is_response:
        for field, kind in _OF_PAYLOAD.items():
            payload = parse_digest(raw.fields.get(field, ""))
            if payload is not None and not _is_of_payload(payload, raw, capture):
                wrong.append(kind)
    return wrong


_OF_PAYLOAD = {
    "warc-payload-digest": "bad_payload_digest", FROM_INDEX.lower(): "not_as_indexed",
}  # fmt: skip


def _is_of_payload(payload: Digest, raw: Raw, capture: Capture) -> bool:
    if payload.of([capture.raw_body]):
        return True
    head = http.parse_head(raw.block)
    if payload.of([raw.block[head.length :] if head else raw.block]):
        return True
    try:
        if payload.of(http.payload_pieces(capture.headers, (capture.raw_body,))):
            return True
        return payload.of([capture.body()])
    except DecodeError:
        return False


def read_donated(capture: Capture, site: Site) -> Page:
    """A capture that nobody will fetch again, read as a page of its site. Raises: nothing."""
    return read_stored(_row(capture), capture, site, _LAST_TRY)


def _row(capture: Capture) -> FrontierRow:
    """What the address would have been asked for, by what it gave."""
    url = capture.url
    return FrontierRow(0, url, origin_of(url), _role(capture), 0, "", None, 0)


def _role(capture: Capture) -> Role:
    mime = capture.mime
    if mime.startswith("image/"):
        return "image"
    if mime.startswith("font/") or mime in _SERVING or capture.url.endswith("/robots.txt"):
        return "requisite"
    return "feed" if mime in _FEEDS else "page"
