"""Reads one record of a WARC file back into a capture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from storage import http, times
from storage.errors import TornRecord, WarcError
from storage.records import Capture, Record, Truncated

FindRecord = Callable[[str], Record]
"""Where the record of this id lies. Raises NotFound."""

OpenFile = Callable[[str], Path]
"""The path of a file by the name that a record gives it. Raises NotFound."""

_TRUNCATED: dict[str, Truncated] = {
    "length": "length", "time": "time", "disconnect": "disconnect", "unspecified": "unspecified",
}  # fmt: skip


def read_capture(record: Record, open_file: OpenFile, find_record: FindRecord) -> Capture:
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


def _field(fields: dict[str, str], name: str, path: Path, offset: int) -> str:
    if name not in fields:
        raise WarcError(f"the record has no {name}", path, offset)
    return fields[name]


def _date(fields: dict[str, str], path: Path, offset: int) -> datetime:
    text = _field(fields, "warc-date", path, offset)
    try:
        return times.parse_utc(text)
    except ValueError as error:
        raise WarcError(f"its warc-date {text[:40]!r} is none", path, offset) from error


def _read_record(path: Path, offset: int) -> tuple[dict[str, str], bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        try:
            return _read(file, path, offset)
        except OSError as error:
            if error.errno is not None:
                raise
            raise WarcError(f"no whole record: {error}", path, offset) from error  # FastWARC's


def _read(file: BinaryIO, path: Path, offset: int) -> tuple[dict[str, str], bytes]:
    record = next(iter(ArchiveIterator(file, WarcRecordType.any_type, parse_http=False)), None)
    if record is None:
        raise WarcError("no record begins here", path, offset)
    fields, block = {n.lower(): value for n, value in record.headers.items()}, record.reader.read()
    stated = fields.get("content-length", "")
    if stated != str(len(block)):
        what = f"{stated or 'no'} bytes stated, {len(block)} are there"
        raise TornRecord(f"the record's block is not whole: {what}", path, offset)
    return fields, block
