"""Records that others wrote: what an exchange was, where its record does not say it plainly.

Our own files are never read by these rules: what stands in them is what came over the wire. What
stands in others' was often decoded, cut or renamed on the way (peers' habits: Common Crawl stores
decoded bodies, the Wayback Machine renames header fields, wget puts addresses in brackets).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from storage import http, times
from storage.errors import DecodeError
from storage.records import Capture, Truncated
from storage.urls import canonical_url

CAPTURES = ("response", "revisit", "resource")
"""Types of records that are captures of something."""

PUBLIC_ARCHIVES = ("commoncrawl", "wayback")
"""Provenances of what was rescued."""
PROVENANCE = "Tinhuyen-Provenance"
"""Field of a record that was rescued: which public archive caught it."""
FROM_INDEX = "Tinhuyen-Index-Digest"
"""Field of a record that was rescued: its payload's digest, as the archive's index has it."""

_CHUNK = re.compile(rb"\s*[0-9A-Fa-f]{1,15}[ \t]*(;[^\r\n]*)?\r?\n")  # RFC 9112 §7.1
_DIGITS = re.compile(r"\d{14}")
_TRUNCATED: dict[str, Truncated] = {
    "length": "length", "time": "time", "disconnect": "disconnect", "unspecified": "unspecified",
}  # fmt: skip
_ORIGINAL = "x-archive-orig-"
_RENAMED = ("content-type", "location", "date", "last-modified")
_WITHIN = re.compile(r"(?:https?://[^/]+)?/web/\d{14}[a-z_]*/(https?:.*)")  # a page of the Machine
_GZIP = b"\x1f\x8b"
_TEXT_STARTS = (b"<", b"\xef\xbb\xbf<", b"{")


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP message that can be read."""

    headers: http.Headers
    body: bytes
    truncated: Truncated | None
    findings: tuple[str, ...] = ()
    """What was strange in it; docs/archivists.md lists them."""


def read_message(headers: http.Headers, body: bytes, *, whole: bool) -> Message:
    """A response as somebody's record gives it, its headers made to fit its body. Raises: nothing.

    `whole`: the record is as long as it says.
    """
    findings: list[str] = []
    headers = _with_original_names(headers, body, findings)
    headers = _without_transfer_coding(headers, body, findings)
    headers = _without_content_coding(headers, body, findings)
    body, is_cut = _cut_or_whole(headers, body, whole, findings)
    return Message(headers, body, "unspecified" if is_cut else None, tuple(findings))


def _with_original_names(headers: http.Headers, body: bytes, findings: list[str]) -> http.Headers:
    """The portal's own fields, where the Wayback Machine keeps them as `X-Archive-Orig-`.

    The plain ones are the Machine's: its clock, and addresses within it. A coding that it does not
    say (edgi-govdata-archiving/web-monitoring-processing#309) shows in the bytes.
    """
    if not any(name.lower().startswith(_ORIGINAL) for name, _ in headers):
        return headers
    findings.append("archive_orig_headers")
    original = {name: http.header(headers, _ORIGINAL + name) for name in _RENAMED}
    if not (http.header(headers, "content-encoding") or "").strip() and body[:2] == _GZIP:
        original["content-encoding"] = http.header(headers, _ORIGINAL + "content-encoding")
    told = tuple((name, value) for name, value in original.items() if value is not None)
    names = {name for name, _ in told}
    plain = tuple(_unwrapped(*field) for field in headers if field[0].lower() not in names)
    return plain + told


def _unwrapped(name: str, value: str) -> tuple[str, str]:
    """A redirect that leads within the Wayback Machine led to that address once."""
    within = _WITHIN.fullmatch(value) if name.lower() == "location" else None
    return name, within[1] if within else value


def _without_transfer_coding(
    headers: http.Headers, body: bytes, findings: list[str]
) -> http.Headers:
    """A body that does not begin with a chunk's size has none, whatever its header says."""
    if not http.is_chunked(headers) or not body or _CHUNK.match(body):
        return headers
    findings.append("decoded_chunks")
    return _without(headers, "transfer-encoding")


def _without_content_coding(
    headers: http.Headers, body: bytes, findings: list[str]
) -> http.Headers:
    """A body that begins as text is not coded, whatever its header says."""
    coding = http.header(headers, "content-encoding")
    if coding is None or coding.strip().lower() in ("", "identity"):
        return headers
    start = next(iter(_payload(headers, body)), b"").lstrip()[:8]
    if start.startswith(_TEXT_STARTS):
        findings.append("decoded_body")
        return _without(headers, "content-encoding")
    return headers


def _payload(headers: http.Headers, body: bytes) -> Iterable[bytes]:
    return http.payload_pieces(headers, [body[:4096]])


def _without(headers: http.Headers, name: str) -> http.Headers:
    return tuple(field for field in headers if field[0].lower() != name)


def _cut_or_whole(
    headers: http.Headers, body: bytes, whole: bool, findings: list[str]
) -> tuple[bytes, bool]:
    """The body, and whether some of it is missing."""
    if http.is_chunked(headers):
        chunks = http.Chunks()
        try:
            chunks.feed(body)
        except DecodeError:
            findings.append("bad_chunks")
            return body, True
        if not chunks.done:
            findings.append("body_cut")
        return body, not chunks.done
    stated = _stated_length(headers)
    if stated is None or "decoded_body" in findings or "decoded_chunks" in findings:
        return (body if whole else body.rstrip(b"\r\n")), not whole
    if len(body) < stated:
        findings.append("body_cut")
        return body, True
    # A record whose own length is off: the message's length decides (Common Crawl, 2018-34).
    return (body if whole else body[:stated]), False


def _stated_length(headers: http.Headers) -> int | None:
    value = (http.header(headers, "content-length") or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


@dataclass(frozen=True, slots=True)
class Foreign:
    """A record of somebody's file, read as far as it says anything."""

    capture: Capture | None
    """None: it is no capture of a web page (or file), or its address or day is not known."""
    record_id: str
    """As it says; one made of its address, day and bytes if it says none."""
    findings: tuple[str, ...]


def read_foreign(fields: dict[str, str], block: bytes, digest: str, *, whole: bool) -> Foreign:
    """A record by its named fields (names in lower case) and block. Raises: nothing.

    `digest`: of the block, for an id where it has none. A revisit's body is not in it; it comes
    from another record.
    """
    findings: list[str] = []
    url = _address(fields.get("warc-target-uri", ""), findings)
    kind = fields.get("warc-type", "").lower()
    headers, body, status = _parts(kind, fields, block)
    at = _moment(fields.get("warc-date", ""), headers, findings)
    id_ = fields.get("warc-record-id") or _made_id(fields, digest, findings)
    if url is None or at is None or kind not in CAPTURES or status is None:
        if url is not None and kind in CAPTURES and status is None:
            findings.append("no_http")
        return Foreign(None, id_, tuple(findings))
    message = read_message(headers, body, whole=whole or kind == "revisit")
    truncated = _TRUNCATED.get(fields.get("warc-truncated", "")) if kind != "revisit" else None
    capture = Capture(
        url=url,
        fetched_at=at,
        status=status,
        headers=message.headers,
        raw_body=message.body if kind != "revisit" else b"",
        truncated=truncated or (message.truncated if kind != "revisit" else None),
    )
    told = message.findings if kind != "revisit" else ()
    return Foreign(capture, id_, (*findings, *told))


def _parts(
    kind: str, fields: dict[str, str], block: bytes
) -> tuple[http.Headers, bytes, int | None]:
    """Headers, body and status; a `resource` is the body itself, of status 200 to its readers."""
    if kind == "resource":
        return (("Content-Type", fields.get("content-type", "")),), block, 200
    head = http.parse_head(block)
    if head is None and kind == "revisit":  # its original has the head as well
        not_modified = fields.get("warc-profile", "").endswith("/server-not-modified")
        return (), b"", 304 if not_modified else 0
    if head is None:
        return (), block, None
    return head.headers, block[head.length :], head.status


def _address(text: str, findings: list[str]) -> str | None:
    """Canonical; None for what is no web address (dns:, urn:, filedesc:)."""
    bare = text.strip().strip("<>").strip()
    if bare != text.strip():
        findings.append("bracketed_address")
    if any(char.isspace() or not char.isascii() or not char.isprintable() for char in bare):
        findings.append("loose_address")
    if not bare:
        findings.append("no_address")
    return canonical_url(bare)


def _moment(text: str, headers: http.Headers, findings: list[str]) -> datetime | None:
    """The record's day; the server's own clock where it has none; None, never a guess."""
    try:
        if _DIGITS.fullmatch(text):
            return datetime.strptime(text + "+0000", "%Y%m%d%H%M%S%z")
        return times.parse_utc(text)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(http.header(headers, "date") or "")
        findings.append("date_of_server")
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        findings.append("no_date")
        return None


def _made_id(fields: dict[str, str], digest: str, findings: list[str]) -> str:
    findings.append("no_record_id")
    named = [fields.get(name, "") for name in ("warc-type", "warc-target-uri", "warc-date")]
    return made_id(*named, digest)


def made_id(*what: str) -> str:
    """A record id that follows from these: the same record gets the same one again."""
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, chr(10).join(what))}>"
