"""CDXJ: where the captures of a WARC file lie, sorted by address and time.

One line a capture: the address's sort key (SURT), 14 digits of time, and a JSON object. Lines
are sorted in C order (bytes), so that indexes can be merged and searched by halving. The form is
that of cdxj-indexer and pywb (https://specs.webrecorder.net/cdxj/0.1.0/); a POST is told apart by
its body, as they do it.

An archive keeps one index a file under `cdx/`: made when the file is closed, whole or not at all,
so that processes that close files at the same time do not wait for each other.
"""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

from storage import http
from storage.errors import DecodeError
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.store.file import WarcFile
from storage.urls import urlkey
from storage.warc.record import sha1_digest
from storage.warc.verify.block import HEAD_MAX_BYTES, is_http
from storage.warc.verify.walk import RawRecord, walk

logger = logging.getLogger(__name__)

_METHODS = ("POST", "PUT")
_REQUEST_MAX_BYTES = 1 << 20
_NO_DIGIT = re.compile(r"\D")


def index_file(path: WarcFile, name: str) -> list[str]:
    """The lines of a file, sorted, without line ends. `name` is what they call it.

    What is damaged is left out: `warc verify` says so. Raises OSError.
    """
    made = Lines(name)
    for record in walk(path):
        if isinstance(record, RawRecord):
            made.note(record)
    return made.sorted()


class Lines:
    """The lines of a file as its records come by, for whoever walks it anyhow."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._captures: list[_Capture] = []
        self._requests: dict[str, _Request] = {}

    def note(self, record: RawRecord) -> None:
        """Take in the next record."""
        if not record.whole:
            return
        if record.type == "request":
            _note_request(record, self._requests)
        elif _is_capture(record):
            self._captures.append(_read_capture(record, self._name))

    def sorted(self) -> list[str]:
        """The lines of all records so far."""
        return sorted((one.line(self._requests) for one in self._captures), key=str.encode)


def update(folder: ArchiveFolder, name: str) -> None:
    """Make a closed file's index anew. Raises OSError, NotFound."""
    write(folder, name, index_file(folder.file(name), name))


def write(folder: ArchiveFolder, name: str, lines: list[str]) -> None:
    """Keep a file's lines as its index, whole or not at all. Raises OSError."""
    path = index_of(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    unfinished.replace(path)


def update_all(folder: ArchiveFolder) -> list[str]:
    """Index closed files that have no index or an old one, and drop indexes of files that are gone.

    Files that are in the store only have an index here too; where it is missing they are read.
    Returns the names of the files indexed. Raises OSError.
    """
    names = {name for name in folder.all_names() if not name.endswith(OPEN_SUFFIX)}
    for path in (folder.root / "cdx").rglob("*.cdxj"):
        if path.relative_to(folder.root / "cdx").as_posix().removesuffix(".cdxj") not in names:
            path.unlink()
    old = sorted(name for name in names if not _is_current(folder, name))
    for name in old:
        update(folder, name)
    return old


def keep_current(folder: ArchiveFolder, name: str) -> None:
    """Index a file that was just closed. Raises: nothing; the index can be made at any time."""
    try:
        update(folder, name)
    except OSError:
        logger.exception("no index of %s; `tinhuyen warc index` makes it", name)


def lines_of(folder: ArchiveFolder, name: str) -> list[str]:
    """A file's lines, from its index or, where that is old or missing, from the file itself.

    Raises NotFound, OSError.
    """
    if not _is_current(folder, name):
        return index_file(folder.file(name), name)
    return index_of(folder, name).read_text(encoding="utf-8").splitlines()


def index_of(folder: ArchiveFolder, name: str) -> Path:
    """Where the index of a file lies."""
    return folder.root / "cdx" / f"{name}.cdxj"


def _is_current(folder: ArchiveFolder, name: str) -> bool:
    """Whether a file's index is there and not older than the file. Raises NotFound."""
    path, file = index_of(folder, name), folder.file_here(name)
    if file is None:  # what is in the store never changes; only its date there is younger
        folder.file(name)
        return path.exists()
    return path.exists() and path.stat().st_mtime_ns >= file.stat().st_mtime_ns


def offsets(folder: ArchiveFolder, name: str) -> set[int] | None:
    """The offsets that a file's index names; None if it has no index, or one that is none."""
    path = index_of(folder, name)
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as lines:
        try:
            return {int(json.loads(line.split(" ", 2)[2])["offset"]) for line in lines}
        except (ValueError, IndexError, KeyError):
            return None


def as_json(line: str) -> dict[str, str]:
    """A line as one object."""
    key, stamp, fields = line.split(" ", 2)
    return {"urlkey": key, "timestamp": stamp, **json.loads(fields)}


def _is_capture(record: RawRecord) -> bool:
    """Metadata and resources that only speak of captures are none (as cdxj-indexer has it)."""
    if record.type in ("metadata", "resource"):
        return record.get("content-type") != "application/warc-fields"
    return record.type in ("response", "revisit")


@dataclass(frozen=True, slots=True)
class _Request:
    """A request whose body tells captures of one address apart."""

    url: str
    method: str
    body_query: str
    appended: str
    """What its method and body add to the address that is sorted by."""


@dataclass(frozen=True, slots=True)
class _Capture:
    url: str
    date: str
    fields: str
    """As JSON: a large file has many."""
    ids: tuple[str, ...]
    """Its own, and those of the records that it was captured with."""

    def line(self, requests: dict[str, _Request]) -> str:
        request = next((requests[id_] for id_ in self.ids if id_ in requests), None)
        key, fields = self.url, self.fields
        if request is not None and request.url == self.url:
            key += request.appended
            told = {"requestBody": request.body_query, "method": request.method}
            fields = json.dumps(json.loads(fields) | told)
        stamp = _NO_DIGIT.sub("", self.date)[:14]
        return f"{_sort_key(key)} {stamp} {fields}"


def _sort_key(url: str) -> str:
    try:
        return urlkey(url)
    except ValueError:  # no address that has a sort key; cdxj-indexer takes it as it stands
        return url


def _read_capture(record: RawRecord, name: str) -> _Capture:
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
    return _Capture(_url(record), date, json.dumps(there), _ids(record))


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


def _note_request(record: RawRecord, requests: dict[str, _Request]) -> None:
    """Keep a POST or PUT under its own id and under those of the records that it goes with."""
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
    for id_ in _ids(record):
        requests[id_] = _Request(_url(record), method, query or "", appended)


def _read_form(method: str, fields: http.Headers, body: bytes, url: str) -> tuple[str, str]:
    """What a form says, and what that adds to its address: as cdxj-indexer and pywb have it."""
    from cdxj_indexer.postquery import append_method_query  # it loads an AMF parser

    kind, length = http.header(fields, "content-type"), http.header(fields, "content-length")
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # it prints what it cannot read
        try:
            return append_method_query(method, kind, length, BytesIO(body), url)  # type: ignore[no-any-return]
        except ValueError:  # a form that is none
            return append_method_query(method, None, length, BytesIO(body), url)  # type: ignore[no-any-return]
