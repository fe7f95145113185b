"""Reads one record of a WARC file back into a capture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from storage import http, times
from storage.errors import TornRecord, WarcError
from storage.records import Capture, Record, Truncated
from storage.store.file import WarcFile
from storage.warc.foreign import read_foreign
from storage.warc.verify.walk import record_at

FindRecord = Callable[[str], Record]
"""Where the record of this id lies. Raises NotFound."""

OpenFile = Callable[[str], WarcFile]
"""The path of a file by the name that a record gives it. Raises NotFound."""

_TRUNCATED: dict[str, Truncated] = {
    "length": "length", "time": "time", "disconnect": "disconnect", "unspecified": "unspecified",
}  # fmt: skip


def read_capture(
    record: Record,
    open_file: OpenFile,
    find_record: FindRecord,
    find_original: FindRecord | None = None,
) -> Capture:
    """What a record holds: of our own files equal to the live one, of others' as far as it can be.

    `find_original` gives the record that a donated revisit stands for, by the revisit's own id;
    None: the one that it names. Raises WarcError, NotFound.
    """
    if record.file.startswith("donated/"):
        return _read_donated(record, open_file, find_record, find_original)
    return _read_own(record, open_file, find_record)


def _read_donated(
    record: Record, open_file: OpenFile, find_record: FindRecord, find_original: FindRecord | None
) -> Capture:
    """By the rules for others' records; import has found the original of a revisit."""
    path = open_file(record.file)
    with record_at(path, record.offset) as found:
        if found is None:
            raise WarcError("no record begins here", path, record.offset)
        block = b"".join(found.block.pieces())
        capture = read_foreign(found.named, block, "", whole=found.whole).capture
        is_revisit, named = found.type == "revisit", found.get("warc-refers-to") or ""
        not_modified = (found.get("warc-profile") or "").endswith("/server-not-modified")
    if capture is None:
        raise WarcError("it holds no capture of a web address", path, record.offset)
    capture = replace(capture, record=record)
    if not is_revisit:
        return capture
    where = find_original(record.record_id) if find_original else find_record(named)
    original = read_capture(where, open_file, find_record, find_original)
    return of_original(capture, original, not_modified=not_modified)


def of_original(revisit: Capture, original: Capture, *, not_modified: bool) -> Capture:
    """A revisit with the payload of the record that it refers to."""
    headers = tuple(field for field in revisit.headers if field[0].lower() != "transfer-encoding")
    if not_modified:
        return replace(revisit, headers=headers, unchanged=original)
    body = b"".join(http.payload_pieces(original.headers, (original.raw_body,)))
    status, headers = revisit.status or original.status, headers or original.headers
    return replace(revisit, status=status, headers=headers, raw_body=body)


def _read_own(record: Record, open_file: OpenFile, find_record: FindRecord) -> Capture:
    """The response that a `response` or `revisit` record holds, equal to the live one.

    A revisit takes its payload from the record that it refers to; its headers are its own,
    but for the transfer coding, which the payload no longer has. A 304 has no payload; what it
    says still holds is its `unchanged`.
    Raises WarcError, NotFound.
    """
    path = open_file(record.file)
    fields, block = _read_record(path, record.offset)
    head = http.parse_head(block) or http.Head(0, (), 0)
    headers, body = head.headers, block[head.length :]
    truncated = _TRUNCATED.get(fields.get("warc-truncated", ""))
    unchanged = None
    if fields.get("warc-type") == "revisit":
        refers_to = _field(fields, "warc-refers-to", path, record.offset)
        original = read_capture(find_record(refers_to), open_file, find_record)
        if fields.get("warc-profile", "").endswith("/server-not-modified"):
            unchanged = original
        headers = tuple(field for field in headers if field[0].lower() != "transfer-encoding")
        body = b"".join(http.payload_pieces(original.headers, (original.raw_body,)))
        truncated = None
    if unchanged is not None:
        body = b""
    return Capture(
        url=_field(fields, "warc-target-uri", path, record.offset).strip("<>"),
        fetched_at=_date(fields, path, record.offset),
        status=head.status,
        headers=headers,
        raw_body=body,
        record=record,
        truncated=truncated,
        unchanged=unchanged,
    )


def _field(fields: dict[str, str], name: str, path: WarcFile, offset: int) -> str:
    if name not in fields:
        raise WarcError(f"the record has no {name}", path, offset)
    return fields[name]


def _date(fields: dict[str, str], path: WarcFile, offset: int) -> datetime:
    text = _field(fields, "warc-date", path, offset)
    try:
        return times.parse_utc(text)
    except ValueError as error:
        raise WarcError(f"its warc-date {text[:40]!r} is none", path, offset) from error


def _read_record(path: WarcFile, offset: int) -> tuple[dict[str, str], bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        try:
            return _read(file, path, offset)
        except OSError as error:
            if error.errno is not None:
                raise
            raise WarcError(f"no whole record: {error}", path, offset) from error  # FastWARC's


def _read(file: BinaryIO, path: WarcFile, offset: int) -> tuple[dict[str, str], bytes]:
    record = next(iter(ArchiveIterator(file, WarcRecordType.any_type, parse_http=False)), None)
    if record is None:
        raise WarcError("no record begins here", path, offset)
    fields, block = {n.lower(): value for n, value in record.headers.items()}, record.reader.read()
    stated = fields.get("content-length", "")
    if stated != str(len(block)):
        what = f"{stated or 'no'} bytes stated, {len(block)} are there"
        raise TornRecord(f"the record's block is not whole: {what}", path, offset)
    return fields, block
