"""Reads one record of a WARC file back into a capture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType

from storage import http, times
from storage.errors import WarcError
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
    fields, block = _read_record(open_file(record.file), record.offset)
    head = http.parse_head(block) or http.Head(0, (), 0)
    headers, body = head.headers, block[head.length :]
    truncated = _TRUNCATED.get(fields.get("warc-truncated", ""))
    unchanged = None
    if fields["warc-type"] == "revisit":
        original = read_capture(find_record(fields["warc-refers-to"]), open_file, find_record)
        if fields.get("warc-profile", "").endswith("/server-not-modified"):
            unchanged = original
        headers = tuple(field for field in headers if field[0].lower() != "transfer-encoding")
        body = b"".join(http.payload_pieces(original.headers, (original.raw_body,)))
        truncated = None
    if unchanged is not None:
        body = b""
    return Capture(
        url=fields["warc-target-uri"],
        fetched_at=times.parse_utc(fields["warc-date"]),
        status=head.status,
        headers=headers,
        raw_body=body,
        record=record,
        truncated=truncated,
        unchanged=unchanged,
    )


def _read_record(path: Path, offset: int) -> tuple[dict[str, str], bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        records = ArchiveIterator(file, WarcRecordType.any_type, parse_http=False)
        try:
            record = next(iter(records), None)
            if record is None:
                raise WarcError("no record begins here", path, offset)
            block = record.reader.read()
        except OSError as error:  # FastWARC's, of damage; and the disk's
            raise WarcError(f"no record can be read here: {error}", path, offset) from error
        return {name.lower(): value for name, value in record.headers.items()}, block
