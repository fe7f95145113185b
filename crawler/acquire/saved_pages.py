"""Pages that somebody saved from a browser: HTML with files beside it, MHTML, SingleFile, text.

They become `resource` records: what was shown, not what a server sent (WARC/1.1 §6.4). Their
address is what they say themselves; their day what they say, else their file's. What neither they
nor their file tells stays unknown.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from crawler.acquire.sources import files_of
from crawler.acquire.tally import Tally
from crawler.acquire.transcribe import warcinfo
from storage import times
from storage.database.donations import Donation
from storage.urls import canonical_url
from storage.warc.foreign import made_id
from storage.warc.record import Fields, member, sha1_digest, warc_fields

Out = Callable[[bytes], None]
_START_BYTES = 1 << 16
_ADDRESSES = (
    ("saved from url", re.compile(rb"<!--\s*saved from url=\(\d+\)(\S+?)\s*-->", re.IGNORECASE)),
    ("SingleFile comment", re.compile(rb"Page saved with SingleFile\s+url:\s*(\S+)")),
    ("canonical link", re.compile(rb"""<link[^>]+rel=["']?canonical["']?[^>]+href=["']([^"']+)""")),
    ("og:url", re.compile(rb"""<meta[^>]+property=["']og:url["'][^>]+content=["']([^"']+)""")),
)
_SAVED_ON = re.compile(rb"saved date:\s*\w{3} (\w{3} \d{1,2} \d{4} \d\d:\d\d:\d\d) GMT([+-]\d{4})")


@dataclass(frozen=True, slots=True)
class _Part:
    """One thing of a saved page."""

    url: str
    mime: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Saved:
    parts: list[_Part]
    moment: datetime
    evidence: str
    """What tells the day."""
    address_from: str | None
    """What tells the address; None: nothing does."""


def transcribe_page(page: Path, one: Donation, out: Out, tally: Tally) -> None:
    """Write a saved page, and the files beside it, as `resource` records. Raises OSError."""
    saved = _read(page)
    out(warcinfo(one, "a page that somebody saved, as resource records"))
    if saved.address_from is None:
        tally.note("no_address", one.file, 0, "the page does not say where it is from")
    if saved.evidence == "file time":
        tally.note("date_of_file", one.file, 0, times.utc_text(saved.moment))
    for part in saved.parts:
        _write(part, saved, one.file, out)


def _read(page: Path) -> _Saved:
    data = page.read_bytes()
    by_file = datetime.fromtimestamp(page.stat().st_mtime, UTC)
    if page.suffix.lower() in (".mht", ".mhtml"):
        return _read_mhtml(data, by_file)
    url, told_by = _address(data[:_START_BYTES])
    saved_on = _SAVED_ON.search(data[:_START_BYTES])
    moment = _saved_moment(saved_on[1], saved_on[2]) if saved_on else None
    mime = "text/plain" if page.suffix.lower() == ".txt" else "text/html"
    beside = [_beside(file) for file in files_of(page)] if mime == "text/html" else []
    parts = [_Part(url or _urn(data, page.name), mime, data), *beside]
    evidence = "SingleFile comment" if moment else "file time"
    return _Saved(parts, moment or by_file, evidence, told_by)


def _address(start: bytes) -> tuple[str | None, str | None]:
    """The page's address, and what tells it."""
    for what, pattern in _ADDRESSES:
        found = pattern.search(start)
        url = canonical_url(found[1].decode("utf-8", "replace")) if found else None
        if url is not None:
            return url, what
    return None, None


def _saved_moment(text: bytes, zone: bytes) -> datetime | None:
    try:
        both = f"{text.decode()} {zone.decode()}"
        return datetime.strptime(both, "%b %d %Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None


def _beside(file: Path) -> _Part:
    """A file saved with a page: the browser has rewritten its address, so nobody knows it."""
    data = file.read_bytes()
    mime = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return _Part(_urn(data, file.name), mime, data)


def _urn(data: bytes, name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name)
    return f"urn:tinhuyen:saved:{hashlib.sha256(data).hexdigest()}:{safe}"


def _read_mhtml(data: bytes, by_file: datetime) -> _Saved:
    """RFC 2557: a mail of parts, each with its Content-Location."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    root = _web(message.get("Snapshot-Content-Location"))
    parts = list(_parts_of(message, root))
    moment = _mail_moment(message)
    known = any(canonical_url(part.url) for part in parts)
    evidence = "Date header" if moment else "file time"
    return _Saved(parts, moment or by_file, evidence, "Content-Location" if known else None)


def _parts_of(message: EmailMessage, root: str | None) -> Iterator[_Part]:
    first = True
    for part in message.walk():
        if part.is_multipart():
            continue
        body = part.get_payload(decode=True)
        data = body if isinstance(body, bytes) else b""
        url = (root if first else None) or _web(part.get("Content-Location"))
        kind = part.get_content_type()
        charset = part.get_content_charset()
        mime = f"{kind}; charset={charset}" if charset else kind
        yield _Part(url or _urn(data, kind), mime, data)
        first = False


def _web(location: object) -> str | None:
    return canonical_url("".join(str(location).split())) if location else None


def _mail_moment(message: EmailMessage) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(message["Date"]))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _write(part: _Part, saved: _Saved, source: str, out: Out) -> None:
    date, digest = times.utc_text(saved.moment), sha1_digest([part.body])
    id_ = made_id("resource", part.url, date, digest)
    common: Fields = [("WARC-Date", date), ("WARC-Target-URI", part.url)]
    fields: Fields = [
        ("WARC-Type", "resource"),
        ("WARC-Record-ID", id_),
        *common,
        ("Content-Type", part.mime),
        ("WARC-Block-Digest", digest),
        ("Tinhuyen-Source-File", source),
    ]
    for piece in member(fields, [part.body], len(part.body)):
        out(piece)
    evidence = warc_fields([("date-from", saved.evidence), ("address-from", saved.address_from)])
    told: Fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", made_id("metadata", id_)),
        *common,
        ("WARC-Concurrent-To", id_),
        ("Content-Type", "application/warc-fields"),
        ("WARC-Block-Digest", sha1_digest([evidence])),
    ]
    for piece in member(told, [evidence], len(evidence)):
        out(piece)
