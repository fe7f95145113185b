"""A subset of the archive as WARC: the exchanges that articles rest on, byte for byte.

Every record is copied as it stands, with its id: responses and revisits, what the revisits repeat,
the requests and metadata of the same exchange, and the warcinfo of the file that it stood in. A
warcinfo of its own says at the head of each new file of what it is a subset.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib
from sqlalchemy import Connection

from storage import times
from storage.export.found import Found
from storage.export.place import new_folder
from storage.folder import ArchiveFolder
from storage.output import progress
from storage.query.records import captures_behind, exchange_span
from storage.store.file import WarcFile
from storage.warc.info import warcinfo
from storage.warc.record import new_record_id, warc_fields
from storage.warc.verify.walk import RawRecord, record_at

ROLL_BYTES = 10**9
_AT_ONCE = 200
_PIECE = 1 << 20
_RECORD_END = b"\r\n\r\n"


def write_warc(
    out: Path, found: Found, folder: ArchiveFolder, what: str, roll_bytes: int = ROLL_BYTES
) -> int:
    """Write the subset as files of about 1 GB into a new folder; returns how many captures.

    `what` says what was asked for; it stands in each file's warcinfo. Raises UsageError (`out` is
    there), NotFound (a WARC file was moved away), OSError.
    """
    with new_folder(out) as place, closing(_Wanted()) as wanted:
        wanted.add_all(found)
        files = _Files(place, out.name, what, roll_bytes)
        with closing(files), progress("records", wanted.count) as step:
            for record_id, file, offset in wanted:
                files.begin_exchange()
                for record, path in _exchange(found.connection, folder, record_id, file, offset):
                    files.copy(record, path)
                step()
        return wanted.count


class _Wanted:
    """The captures to copy, each once, by file and offset; on disk where they are many."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")
        columns = "file TEXT, place INTEGER, id TEXT, PRIMARY KEY (file, place)"
        self._rows.execute(f"CREATE TABLE wanted ({columns}) WITHOUT ROWID")

    def add_all(self, found: Found) -> None:
        for start in range(0, len(found.keys), _AT_ONCE):
            keys = found.keys[start : start + _AT_ONCE].tolist()
            self._rows.executemany(
                "INSERT OR IGNORE INTO wanted VALUES (?, ?, ?)",
                (
                    (row.warc_file, row.warc_offset, row.record_id)
                    for row in captures_behind(found.connection, keys)
                ),
            )

    @property
    def count(self) -> int:
        return int(self._rows.execute("SELECT count(*) FROM wanted").fetchone()[0])

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        yield from self._rows.execute("SELECT id, file, place FROM wanted ORDER BY file, place")

    def close(self) -> None:
        self._rows.close()


def _exchange(
    connection: Connection, folder: ArchiveFolder, record_id: str, file: str, offset: int
) -> Iterator[tuple[RawRecord, WarcFile]]:
    """The file's warcinfo, what was recorded together with a capture, and the capture itself."""
    path = folder.file(file)
    start, end = exchange_span(connection, file, offset)
    with record_at(path, offset) as capture:
        linked = {record_id, *(_concurrent_to(capture) if capture else ())}
    for record in _records(path, 0, 1):
        if record.type == "warcinfo":
            yield record, path
    before = _records(path, start, offset)
    for record in chain(before, _records(path, offset, end or path.stat().st_size)):
        if record.id in linked or record_id in _concurrent_to(record):
            yield record, path


def _concurrent_to(record: RawRecord) -> set[str]:
    return {value for name, value in record.fields if name.lower() == "warc-concurrent-to"}


def _records(path: WarcFile, start: int, end: int) -> Iterator[RawRecord]:
    """The whole records that begin in this span; what is damaged ends it."""
    while start < end:
        with record_at(path, start) as record:
            if record is None or not record.whole:
                return
            yield record
            start += record.length
        if not _is_gzipped(path, start):
            start += len(_RECORD_END)  # of a plain file; at the end of any it does no harm


def _is_gzipped(path: WarcFile, offset: int) -> bool:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(2) == b"\x1f\x8b"


@dataclass(slots=True)
class _Files:
    """The numbered files of a subset. An exchange is never parted."""

    folder: Path
    name: str
    what: str
    roll_bytes: int
    _file: BinaryIO | None = None
    _serial: int = 0
    _warcinfos: set[str] = field(default_factory=set)
    """Ids of those that the file has already."""

    def begin_exchange(self) -> None:
        """Go on to the next file where this one is full."""
        if self._file is not None and self._file.tell() >= self.roll_bytes:
            self.close()
        if self._file is None:
            stamp = times.now().strftime("%Y%m%d%H%M%S")
            name = f"{self.name}-{stamp}-{self._serial:05d}.warc.gz"
            self._file = (self.folder / name).open("xb")
            self._serial += 1
            self._file.writelines(_warcinfo(name, self.what))

    def copy(self, record: RawRecord, path: WarcFile) -> None:
        """A record as it stands in its file; of a plain file as a gzip member of its own."""
        assert self._file is not None
        if record.type == "warcinfo":
            if record.id in self._warcinfos:
                return
            self._warcinfos.add(record.id or "")
        pieces = _pieces(path, record.offset, record.length)
        if _is_gzipped(path, record.offset):
            self._file.writelines(pieces)
        else:
            stream = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
            self._file.writelines(stream.compress(piece) for piece in pieces)
            self._file.write(stream.compress(_RECORD_END) + stream.flush())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._warcinfos.clear()


def _pieces(path: WarcFile, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        for done in range(0, length, _PIECE):
            yield file.read(min(_PIECE, length - done))


def _warcinfo(name: str, what: str) -> Iterator[bytes]:
    block = warc_fields(
        [
            ("software", f"tinhuyen/{version('tinhuyen')}"),
            ("format", "WARC File Format 1.1"),
            ("description", f"{what} Records are copies, with their ids, of those in the archive."),
        ]
    )
    return warcinfo(name, block, new_record_id())
