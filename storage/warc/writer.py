"""Appends exchanges to a site's WARC file; rolls, closes and lists it. Used by one thread."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from storage import files, times
from storage.errors import ArchiveFault, OutOfDisk
from storage.exchange import Exchange
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.records import Record
from storage.store.file import sha256_of
from storage.warc import manifest
from storage.warc.exchange_records import Digests, Original, exchange_members, of_revisit
from storage.warc.info import WarcInfo
from storage.warc.record import new_record_id

logger = logging.getLogger(__name__)

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

        `original` is the record of the same payload seen before, if there is one. A full file
        makes room for a new one, but not within a group that is yet to be synced.
        Raises OutOfDisk or ArchiveFault; then the file ends where it ended before.
        """
        if original is not None:
            digests = of_revisit(exchange, digests, original)
        if self._file is not None and self._roll_bytes <= self._file.size == self._file.synced:
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

    def sync(self) -> bool:
        """Make everything appended last. False if that failed, and the file is given up.

        Then what was appended since the last success counts for nothing, and the next exchange
        begins a new file. Asking again would prove nothing (storage.files.sync).
        """
        if self._file is None or self._file.sync():
            return True
        file, self._file = self._file, None
        self.written_bytes -= file.size - file.synced
        file.give_up()
        return False

    def close(self) -> None:
        """Rename the file and list it in the manifest. Raises ArchiveFault.

        The caller has synced: an exchange that was not is left to the next start's recovery.
        """
        if self._file is not None and self.sync():
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
    """Written by this process alone: no other may create it, and recovery sees the lock."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name, self.size = path, name, 0
        self.synced = 0
        """Up to here every byte lasts."""
        self.info_id = new_record_id()
        self._sha256: hashlib._Hash | None = hashlib.sha256()
        try:
            files.make_folder(path.parent)
            self._handle = files.create(path)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            files.sync_folder(path.parent)
        except OSError as error:
            raise archive_fault(error, f"cannot open {path}") from error

    def write(self, data: bytes, cut_back_to: int) -> None:
        try:
            files.write(self._handle, data)
        except OSError as error:  # never leave half an exchange behind
            self._cut_back(cut_back_to)
            raise archive_fault(error, f"cannot write {self.path}") from error
        self.size += len(data)
        if self._sha256 is not None:
            self._sha256.update(data)

    def _cut_back(self, size: int) -> None:
        """Best effort: where even this fails, the next start's recovery cuts the tail off."""
        self.size, self._sha256 = size, None
        with contextlib.suppress(OSError):
            files.cut(self._handle, size)

    def sync(self) -> bool:
        if self.synced == self.size:
            return True
        try:
            files.sync(self._handle)
        except OSError:
            logger.exception("cannot sync %s; it is given up after byte %s", self.path, self.synced)
            return False
        self.synced = self.size
        return True

    def give_up(self) -> None:
        """Leave it open, back at its last good byte: the next start closes and lists it."""
        self._cut_back(self.synced)
        os.close(self._handle)

    def finish(self, folder: ArchiveFolder, info: WarcInfo) -> None:
        sha256 = self._sha256.hexdigest() if self._sha256 else sha256_of(self.path)
        entry = manifest.Entry(self.name, self.size, sha256, info.site, info.run)
        try:
            manifest.close_file(folder, self.path, entry)
        except OSError as error:
            raise archive_fault(error, f"cannot close {self.path}") from error
        finally:
            os.close(self._handle)


def archive_fault(error: OSError, what: str) -> ArchiveFault:
    """The fault that an OSError of the archive's own files stands for."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutOfDisk(f"{what}: no room left; make room and run the same command again")
    return ArchiveFault(f"{what}: {error.strerror}")
