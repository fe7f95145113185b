"""Appends exchanges to a site's WARC file; rolls, closes and lists it. Used by one thread."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from storage import times
from storage.errors import ArchiveFault, OutOfDisk
from storage.exchange import Exchange
from storage.folder import OPEN_SUFFIX, ArchiveFolder, sync_folder
from storage.records import Record
from storage.warc import manifest
from storage.warc.exchange_records import Digests, Original, exchange_members
from storage.warc.info import WarcInfo
from storage.warc.record import new_record_id

_WRITE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Appended:
    """An exchange as it now stands in the file (not yet synced)."""

    record: Record
    record_type: str
    """`response` or `revisit`."""
    digests: Digests
    refers_to: str | None
    """Record id of the original of a revisit."""


class WarcWriter:
    """The open file of one run. Opened at the first exchange: a run without bytes leaves none."""

    def __init__(self, folder: ArchiveFolder, info: WarcInfo, roll_bytes: int) -> None:
        self._folder, self._info, self._roll_bytes = folder, info, roll_bytes
        self._serial = 0
        self._file: _OpenFile | None = None
        self.written_bytes = 0
        """Bytes of all files of this run."""

    def append(self, exchange: Exchange, digests: Digests, original: Original | None) -> Appended:
        """Write request, metadata and response (or revisit), in this order.

        `original` is the record of the same payload seen before, if there is one.
        Raises OutOfDisk or ArchiveFault; then the file ends where it ended before.
        """
        if self._file is not None and self._file.size >= self._roll_bytes:
            self.close()
        if self._file is None:
            self._file = self._open()
        file, start = self._file, self._file.size
        waiting, offset = bytearray(), start
        for piece, begins_response in exchange_members(
            exchange, digests, original, self._info, file.info_id
        ):
            if begins_response:
                offset = file.size + len(waiting)
            waiting += piece
            if len(waiting) >= _WRITE_BYTES:  # a large body is never whole in memory
                file.write(bytes(waiting), cut_back_to=start)
                waiting.clear()
        file.write(bytes(waiting), cut_back_to=start)
        self.written_bytes += file.size - start
        record = Record(file.name, offset, file.size - offset, exchange.record_id)
        kind = "response" if original is None else "revisit"
        return Appended(record, kind, digests, original.record_id if original else None)

    def sync(self) -> None:
        """Make everything appended last. Raises ArchiveFault; a failed fsync is never retried."""
        if self._file is not None:
            self._file.sync()

    def close(self) -> None:
        """Sync, rename, list in the manifest. Raises ArchiveFault."""
        if self._file is not None:
            file, self._file = self._file, None
            file.finish(self._folder, self._info)

    def _open(self) -> _OpenFile:
        stamp = times.now().strftime("%Y%m%d%H%M%S")
        where = f"{socket.gethostname()}-{os.getpid()}"
        name = f"{self._info.site}-{stamp}-{self._serial:05d}-{where}.warc.gz"
        self._serial += 1
        path = self._folder.warc(self._info.site) / (name + OPEN_SUFFIX)
        file = _OpenFile(path, self._folder.name_of(path))
        for piece in self._info.member(name, file.info_id):
            file.write(piece, cut_back_to=0)
        self.written_bytes += file.size
        return file


class _OpenFile:
    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name, self.size = path, name, 0
        self.info_id = new_record_id()
        self._sha256: hashlib._Hash | None = hashlib.sha256()
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync_folder(path.parent)
        except OSError as error:
            raise archive_fault(error, f"cannot open {path}") from error

    def write(self, data: bytes, cut_back_to: int) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError as error:  # never leave half an exchange behind
            os.ftruncate(self._handle, cut_back_to)
            self.size, self._sha256 = cut_back_to, None
            raise archive_fault(error, f"cannot write {self.path}") from error
        self.size += len(data)
        if self._sha256 is not None:
            self._sha256.update(data)

    def sync(self) -> None:
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            raise archive_fault(error, f"cannot sync {self.path}") from error

    def finish(self, folder: ArchiveFolder, info: WarcInfo) -> None:
        self.sync()
        os.close(self._handle)
        sha256 = self._sha256.hexdigest() if self._sha256 else manifest.sha256_of(self.path)
        entry = manifest.Entry(self.name, self.size, sha256, info.site, info.run)
        manifest.close_file(folder, self.path, entry)


def archive_fault(error: OSError, what: str) -> ArchiveFault:
    """The fault that an OSError of the archive's own files stands for."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutOfDisk(f"{what}: no room left; make room and run the same command again")
    return ArchiveFault(f"{what}: {error.strerror}")
