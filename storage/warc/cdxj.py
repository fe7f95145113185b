"""A WARC file's captures as CDXJ lines, made as its records come by, sorted without memory.

The form is that of cdxj-indexer and pywb (https://specs.webrecorder.net/cdxj/0.1.0/); a POST is
told apart by its body, as they do it.
"""

from __future__ import annotations

import errno
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import BytesIO, StringIO

from storage import http
from storage.errors import DecodeError
from storage.urls import urlkey
from storage.warc.record import sha1_digest
from storage.warc.verify.block import HEAD_MAX_BYTES, is_http
from storage.warc.verify.walk import RawRecord

_METHODS = ("POST", "PUT")
_REQUEST_MAX_BYTES = 1 << 20
_NO_DIGIT = re.compile(r"\D")
_TABLES = """
    PRAGMA journal_mode = OFF;
    CREATE TABLE capture (url, date, fields, ids);
    CREATE TABLE request (id PRIMARY KEY, url, method, body_query, appended);
    CREATE TABLE line (line);
"""


class Lines:
    """The lines of a file as its records come by, for whoever walks it anyhow; to be closed.

    They wait in a database of their own, which SQLite moves to disk as it grows and forgets at the
    end: a file of many records needs no more memory than one of few. All but `close` raise OSError.
    """

    def __init__(self, name: str) -> None:
        """`name` is what they call the file."""
        self._name = name
        self._rows = sqlite3.connect("")
        self._rows.executescript(_TABLES)
        self._has_requests = False

    def close(self) -> None:
        """Forget them."""
        self._rows.close()

    def note(self, record: RawRecord) -> None:
        """Take in the next record."""
        if not record.whole:
            return
        with _disk_errors():
            if record.type == "request":
                rows = list(_read_request(record))
                self._has_requests |= bool(rows)
                self._rows.executemany(
                    "INSERT OR REPLACE INTO request VALUES (?, ?, ?, ?, ?)", rows
                )
            elif _is_capture(record):
                row = _read_capture(record, self._name)
                self._rows.execute("INSERT INTO capture VALUES (?, ?, ?, ?)", row)

    def sorted(self) -> Iterator[str]:
        """The lines of all records so far, in C order (bytes), without line ends."""
        with _disk_errors():
            captures = self._rows.execute("SELECT url, date, fields, ids FROM capture")
            lines = ((self._line(*one).encode(),) for one in captures)
            self._rows.executemany("INSERT INTO line VALUES (?)", lines)
            for (line,) in self._rows.execute("SELECT line FROM line ORDER BY line"):
                yield line.decode()

    def _line(self, url: str, date: str, fields: str, ids: str) -> str:
        """Its request, if that tells it apart, may stand anywhere in the file."""
        key = url
        asked = self._asked(json.loads(ids)) if self._has_requests else None
        if asked is not None and asked[0] == url:
            _, method, body_query, appended = asked
            key += appended
            told = {"requestBody": body_query, "method": method}
            fields = json.dumps(json.loads(fields) | told)
        stamp = _NO_DIGIT.sub("", date)[:14]
        return f"{_sort_key(key)} {stamp} {fields}"

    def _asked(self, ids: list[str]) -> tuple[str, str, str, str] | None:
        """The request of a record, by its own id and those of the records it was captured with."""
        query = "SELECT url, method, body_query, appended FROM request WHERE id = ?"
        found = (self._rows.execute(query, (id_,)).fetchone() for id_ in ids)
        return next((row for row in found if row is not None), None)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """What SQLite cannot write to the temporary folder is the disk's fault, as for any file."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = errno.ENOSPC if error.sqlite_errorcode == sqlite3.SQLITE_FULL else errno.EIO
        raise OSError(
            code, f"an index cannot be sorted in the temporary folder: {error}"
        ) from error


def _is_capture(record: RawRecord) -> bool:
    """Metadata and resources that only speak of captures are none (as cdxj-indexer has it)."""
    if record.type in ("metadata", "resource"):
        return record.get("content-type") != "application/warc-fields"
    return record.type in ("response", "revisit")


def _sort_key(url: str) -> str:
    try:
        return urlkey(url)
    except ValueError:  # no address that has a sort key; cdxj-indexer takes it as it stands
        return url


def _read_capture(record: RawRecord, name: str) -> tuple[str, ...]:
    """A row of `capture`."""
    head = http.parse_head(record.block.beginning(HEAD_MAX_BYTES)) if is_http(record) else None
    fields = {
        "url": _url(record),
        "mime": _mime(record, head),
        "status": str(head.status) if head and record.type != "metadata" else None,
        "digest": _digest(record, head),
        "length": str(record.length),
        "offset": str(record.offset),
        "filename": name,
    }
    there = {key: value for key, value in fields.items() if value is not None}
    date = record.get("warc-date") or ""
    return _url(record), date, json.dumps(there), json.dumps(_ids(record))


def _url(record: RawRecord) -> str:
    return (record.get("warc-target-uri") or "").strip("<>").replace(" ", "%20")


def _ids(record: RawRecord) -> tuple[str, ...]:
    with_it = (value for name, value in record.fields if name.lower() == "warc-concurrent-to")
    return tuple(id_ for id_ in (record.id, *with_it) if id_)


def _mime(record: RawRecord, head: http.Head | None) -> str | None:
    if record.type == "revisit":
        return "warc/revisit"
    if record.type == "response":
        declared = http.header(head.headers, "content-type") if head else None
    else:
        declared = record.get("content-type")
    return re.split(r"[;\s]", declared, maxsplit=1)[0].strip() if declared else None


def _digest(record: RawRecord, head: http.Head | None) -> str | None:
    """As the record states it; else over the body as it stands, as cdxj-indexer takes it."""
    stated = record.get("warc-payload-digest")
    if stated or record.type == "revisit":
        return stated
    return sha1_digest(record.block.pieces(head.length if head else 0))


def _read_request(record: RawRecord) -> Iterator[tuple[str, ...]]:
    """Rows of `request`: a POST or PUT, whose body tells captures of one address apart.

    Under its own id and under those of the records that it goes with; at the end what its method
    and body add to the address that is sorted by.
    """
    message = record.block.beginning(_REQUEST_MAX_BYTES)
    method = message.partition(b" ")[0].decode("latin-1").upper()
    if method not in _METHODS:
        return
    head, _, body = message.partition(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    fields = tuple((name, value.strip()) for name, _, value in lines)
    with suppress(DecodeError):  # what is not chunked as it says is taken as it stands
        body = b"".join(http.payload_pieces(fields, [body]))
    query, appended = _read_form(method, fields, body, _url(record))
    yield from ((id_, _url(record), method, query or "", appended) for id_ in _ids(record))


def _read_form(method: str, fields: http.Headers, body: bytes, url: str) -> tuple[str, str]:
    """What a form says, and what that adds to its address: as cdxj-indexer and pywb have it."""
    from cdxj_indexer.postquery import append_method_query  # it loads an AMF parser

    kind, length = http.header(fields, "content-type"), http.header(fields, "content-length")
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # it prints what it cannot read
        try:
            return append_method_query(method, kind, length, BytesIO(body), url)  # type: ignore[no-any-return]
        except ValueError:  # a form that is none
            return append_method_query(method, None, length, BytesIO(body), url)  # type: ignore[no-any-return]
