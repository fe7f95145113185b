"""One listed capture fetched from its archive: as it was served, or the reason why not.

Common Crawl: the bytes of the record in its WARC file, asked for by range. Its named fields stay,
and its block byte for byte. The Wayback Machine: what it answers for `/web/<moment>id_/<address>`,
the page as it was stored under header fields of the Machine's own, the portal's as
`X-Archive-Orig-`; that answer is the block, whole.
"""

from __future__ import annotations

import string
import tempfile
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

from crawler.acquire.rescue.archives import PublicArchive
from crawler.acquire.rescue.listing import Listed
from crawler.acquire.rescue.service import NotGiven, Service, TooLarge
from crawler.acquire.rescue.wire import MESSAGE_MAX_BYTES, Answer
from crawler.acquire.transcribe import kept_fields
from storage import times
from storage.errors import DecodeError
from storage.urls import canonical_url
from storage.warc.foreign import CAPTURES, FROM_INDEX, PROVENANCE
from storage.warc.record import Fields, new_record_id, sha1_digest
from storage.warc.verify.block import parse_digest
from storage.warc.verify.walk import RawRecord, walk

_GONE = (404, 410)
_BARRED = (401, 403)
_TOLD_ANEW = (PROVENANCE.lower(), FROM_INDEX.lower())


@dataclass(frozen=True, slots=True)
class Got:
    """A capture as it will be kept: named fields and block of its record."""

    fields: Fields
    block: bytes
    served_bytes: int


class Refused(Exception):
    """A listed capture that did not come. `kind`: as the tally has it."""

    def __init__(self, kind: str, what: str, *, status: int = 0) -> None:
        super().__init__(what)
        self.kind, self.is_barred = kind, status in _BARRED


def fetch(archive: PublicArchive, service: Service, one: Listed) -> Got:
    """The capture. Raises Refused, PublicArchiveUnavailable."""
    get = _from_file if archive.has_files else _from_machine
    try:
        return get(archive, service, one)
    except TooLarge as error:
        raise Refused("too_large_to_fetch", str(error)) from error
    except NotGiven as error:
        raise Refused("not_given", str(error)) from error


def source_of(archive: PublicArchive, one: Listed) -> str:
    """The address that the capture is fetched from: on the host of the settings, come what may."""
    if archive.has_files:
        return archive.captures + quote(one.file.lstrip("/"))
    # As the index writes it; only what no request line may hold is escaped.
    return f"{archive.captures}{one.moment}id_/{quote(one.asked, safe=string.punctuation)}"


def _told(archive: PublicArchive, one: Listed) -> Fields:
    """Who caught it, and where from: `WARC-Source-URI` and `WARC-Creation-Date` as pywb has them.

    Source: webrecorder/pywb, warcserver/resource/responseloader.py.
    """
    return [
        ("WARC-Source-URI", source_of(archive, one)),
        ("WARC-Creation-Date", times.utc_text(times.now())),
        (PROVENANCE, archive.name),
        (FROM_INDEX, one.digest),
    ]


def _from_file(archive: PublicArchive, service: Service, one: Listed) -> Got:
    if one.length > MESSAGE_MAX_BYTES:
        raise Refused("too_large_to_fetch", f"{one.length} bytes")
    last = one.offset + one.length - 1
    asked = ("Range", f"bytes={one.offset}-{last}")

    def is_the_range(answer: Answer) -> bool:
        if answer.status != 206:  # said by its status, or by the lack of it
            return answer.status not in (200, 416)
        stated = answer.header("content-range") or ""
        right = stated.startswith(f"bytes {one.offset}-{last}/")
        return right and len(answer.payload) == one.length

    answer = service.ask(source_of(archive, one), asked, sound=is_the_range)
    if answer.status in _GONE:
        raise Refused("not_there", f"HTTP {answer.status}")
    if answer.status != 206:
        raise Refused("not_given", f"HTTP {answer.status}", status=answer.status)
    return _record(archive, one, answer.payload)


def _record(archive: PublicArchive, one: Listed, member: bytes) -> Got:
    with tempfile.NamedTemporaryFile(prefix="tinhuyen-") as scratch:
        scratch.write(member)
        scratch.flush()
        for found in walk(Path(scratch.name)):
            if isinstance(found, RawRecord):
                _check_is(one, found)
                if found.block.length > MESSAGE_MAX_BYTES:
                    raise Refused("too_large_to_fetch", f"{found.block.length} bytes")
                block = b"".join(found.block.pieces())
                fields = kept_fields(found, _TOLD_ANEW) + _told(archive, one)
                fields.append(("Tinhuyen-Source-Offset", str(one.offset)))
                return Got(fields, block, len(member))
    raise Refused("bad_record", "the range holds no record")


def _check_is(one: Listed, found: RawRecord) -> None:
    """An index that is out of step with its files must date nothing."""
    url = canonical_url((found.get("warc-target-uri") or "").strip("<> "))
    try:
        moment = f"{times.parse_utc(found.get('warc-date') or ''):%Y%m%d%H%M%S}"
    except ValueError:
        moment = "no day"
    if found.type not in CAPTURES or (url, moment) != (one.url, one.moment):
        raise Refused("bad_record", f"the range holds a {found.type} of {url}, {moment}")


def _from_machine(archive: PublicArchive, service: Service, one: Listed) -> Got:
    answer = service.ask(source_of(archive, one))
    _check_is_memento(one, answer)
    fields: Fields = [
        ("WARC-Type", "response"),
        ("WARC-Record-ID", new_record_id()),
        ("WARC-Target-URI", one.url),
        ("WARC-Date", times.utc_text(one.at)),
        ("Content-Type", "application/http;msgtype=response"),
        ("WARC-Block-Digest", sha1_digest([answer.message])),
        ("WARC-Payload-Digest", sha1_digest([answer.payload])),
        *_told(archive, one),
    ]
    return Got(fields, answer.message, len(answer.message))


def _check_is_memento(one: Listed, answer: Answer) -> None:
    """The answer is the capture that was asked for, not the nearest one, nor the Machine's own.

    It is if the Machine dates it so (RFC 7089 §2.1.1), or, undated, if its payload is the one of
    the index. A redirect with X-Archive-Redirect-Reason leads to another capture.
    """
    reason, location = answer.header("x-archive-redirect-reason"), answer.header("location")
    if reason is not None:
        raise Refused("another_capture", reason)
    dated = answer.header("memento-datetime")
    if dated is not None:
        if _moment(dated) != one.moment:
            raise Refused("another_capture", f"it is of {dated}")
        return
    if answer.status in _GONE:
        raise Refused("not_there", f"HTTP {answer.status}")
    if 300 <= answer.status < 400:
        raise Refused("another_capture", f"HTTP {answer.status} to {location}")
    if answer.status != 200 or not _is_of_index(one, answer):
        why = f"HTTP {answer.status}, and nothing says that it is the capture"
        raise Refused("not_given", why, status=answer.status)


def _is_of_index(one: Listed, answer: Answer) -> bool:
    digest = parse_digest(one.digest or "")
    try:
        return digest is not None and digest.of([answer.payload])
    except DecodeError:
        return False


def _moment(date: str) -> str | None:
    try:
        return f"{parsedate_to_datetime(date):%Y%m%d%H%M%S}"
    except (ValueError, TypeError, OverflowError):
        return None
