"""One record looked into: its headers, its digests' verdict, the start of its body, its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from storage import http
from storage.archive import Archive
from storage.charset import decode
from storage.errors import DecodeError, NotFound, WarcError
from storage.query.access import Audience
from storage.query.records import rows_of
from storage.query.withheld import require_records
from storage.store.file import WarcFile
from storage.warc.verify.block import HEAD_MAX_BYTES, check_block, is_http
from storage.warc.verify.fields import check_fields
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.verify.walk import RawRecord, record_at

_SHOWN_BYTES = 1 << 16
_HEX_BYTES = 512
_LINE_CHARS = 240  # some pages are one line
_TEXT = re.compile(r"text/|.*(json|xml|javascript|warc-fields|x-www-form-urlencoded)")
_DIGESTS = {
    "block": ("warc-block-digest", Rule.BAD_BLOCK_DIGEST),
    "payload": ("warc-payload-digest", Rule.BAD_PAYLOAD_DIGEST),
}


def describe_record(
    archive: Archive, file: str | WarcFile, offset: int, audience: Audience | None = None
) -> dict[str, Any]:
    """Everything about the record that begins at an offset of a file.

    `file`: a path, the name that the archive gives it, or the file itself. `audience`: who asks;
    None: whom the environment says. Raises NotFound (Withdrawn, NotOpen), WarcError (no whole
    record begins there), OSError.
    """
    path = archive.folder.named(file) if isinstance(file, str) else file
    inside = archive.folder.holds(path)
    name = archive.folder.name_of(path) if inside else str(path)
    with record_at(path, offset) as record:
        if record is None:
            what = "no whole record begins here; `tinhuyen warc verify` says what does"
            raise WarcError(what, name, offset)
        told = _describe(record)
        ids = {id_ for id_ in (record.id, record.get("warc-concurrent-to")) if id_}
    rows = list(_rows(archive, name, offset, ids, audience)) if inside else []
    return {"file": name, "offset": offset, **told, "rows": rows}


def _describe(record: RawRecord) -> dict[str, Any]:
    message = record.block.beginning(HEAD_MAX_BYTES) if is_http(record) else b""
    start, head = _first_line(message), http.parse_head(message)
    if record.type == "request":
        head = _request_head(message)
    flaws = [*check_fields(record), *(check_block(record) if record.whole else ())]
    return {
        "length": record.length,
        "version": record.version,
        "type": record.type,
        "fields": [list(pair) for pair in record.fields],
        "http": {"start": start, "fields": [list(p) for p in head.headers]} if head else None,
        "digests": {name: _verdict(record, flaws, *of) for name, of in _DIGESTS.items()},
        "flaws": [flaw.as_json() for flaw in flaws],
        "body": _body(record, head),
    }


def _first_line(message: bytes) -> str:
    return message.partition(b"\n")[0].strip().decode("latin-1")


def _request_head(message: bytes) -> http.Head | None:
    """A request's head, read as a response's: only its first line differs."""
    head = http.parse_head(b"HTTP/1.1 200 \n" + message.partition(b"\n")[2])
    if head is None:
        return None
    skipped = len(message.partition(b"\n")[0]) + 1 - len(b"HTTP/1.1 200 \n")
    return http.Head(0, head.headers, head.length + skipped)


def _verdict(record: RawRecord, flaws: Iterable[Flaw], field: str, bad: Rule) -> str:
    rules = {flaw.rule for flaw in flaws}
    if record.get(field) is None:
        return "none"
    if field == "warc-payload-digest" and record.type == "revisit":
        return "of the record that it refers to"
    if not record.whole:
        return "not checked: the record is not whole"
    if bad in rules:
        return "DOES NOT HOLD"
    otherwise = field == "warc-payload-digest" and Rule.PAYLOAD_DIGEST_OTHERWISE in rules
    return "holds, taken otherwise than the specification says" if otherwise else "holds"


def _body(record: RawRecord, head: http.Head | None) -> dict[str, Any]:
    """The start of the body as text, decoded; where it is none or cannot be decoded, in hex."""
    headers, start = (head.headers, head.length) if head else ((), 0)
    declared = http.header(headers, "content-type") if head else record.get("content-type")
    length, shown = record.block.length - start, record.block.beginning(start + _HEX_BYTES)[start:]
    body = {"bytes": length, "mime": declared, "text": None, "hex": hex_lines(shown)}
    if not length or not _TEXT.match((declared or "").lower()):
        return body
    try:
        data = _beginning(http.decoded_pieces(headers, record.block.pieces(start)))
    except DecodeError as error:
        return body | {"problem": str(error)}
    text = decode(data, declared)
    return body | {"text": text, "hex": [], "more": len(data) >= _SHOWN_BYTES}


def hex_lines(data: bytes) -> list[str]:
    """Bytes as `hexdump -C` shows them: where, sixteen bytes, and those that are ASCII."""
    rows = ((at, data[at : at + 16]) for at in range(0, len(data), 16))
    return [f"{at:08x}  {row.hex(' '):<47}  |{_visible(row)}|" for at, row in rows]


def _visible(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)


def _beginning(pieces: Iterable[bytes]) -> bytes:
    data = b""
    for piece in pieces:
        data += piece
        if len(data) >= _SHOWN_BYTES:
            break
    return data[:_SHOWN_BYTES]


def _rows(
    archive: Archive, name: str, offset: int, ids: set[str], audience: Audience | None
) -> Iterator[dict[str, Any]]:
    """The rows that a record gave. Raises Withdrawn, NotOpen for what it was captured with too."""
    with ExitStack() as stack:
        try:
            tx = stack.enter_context(archive.reading(audience))
        except NotFound:  # files without a database can be looked into as well
            return
        require_records(tx, ids)
        yield from rows_of(tx, name, offset)


def lines(told: dict[str, Any], body_lines: int) -> Iterator[str]:
    """A description for people; of the body at most so many lines."""
    yield f"{told['file']}, offset {told['offset']}, {told['length']} bytes"
    yield ""
    yield told["version"]
    yield from (f"{name}: {value}" for name, value in told["fields"])
    if told["http"]:
        yield ""
        yield told["http"]["start"]
        yield from (f"{name}: {value}" for name, value in told["http"]["fields"])
    yield ""
    yield from (f"{name} digest: {verdict}" for name, verdict in told["digests"].items())
    for flaw in told["flaws"]:
        yield f"{flaw['severity']} {flaw['rule']}: {flaw['meaning']} ({flaw['detail']})"
    yield from _row_lines(told["rows"])
    yield from _body_lines(told["body"], body_lines)


def _row_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        said = ", ".join(f"{key} {value}" for key, value in row.items() if key != "row" and value)
        yield f"{row['row']}: {said}"


def _body_lines(body: dict[str, Any], at_most: int) -> Iterator[str]:
    yield f"body: {body['bytes']} bytes, {body['mime'] or 'no type'}"
    if "problem" in body:
        yield f"it cannot be decoded: {body['problem']}"
    shown = body["hex"] if body["text"] is None else body["text"].splitlines()
    if not shown:
        return
    yield ""
    for line in shown[:at_most]:
        yield line if len(line) <= _LINE_CHARS else line[:_LINE_CHARS] + "…"
    if len(shown) > at_most or body.get("more"):
        yield "…"
