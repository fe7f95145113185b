"""The WARC files that rescued captures are kept in: written capture by capture, then closed.

    donated/rescued/<site>/<site>-<archive>-<14 digits>-<serial>-<host>-<pid>.warc.gz[.open]

They are others' captures, so they lie with what was donated and are read by the same rules
(storage.warc.foreign); a rebuild takes them in again like any donated file. Whatever a kill leaves
open is cut behind its last whole record and closed by the next rescue, or by a rebuild.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from crawler import settings
from crawler.acquire.reading import Raw
from crawler.acquire.rescue.archives import PublicArchive
from crawler.acquire.rescue.fetch import Got
from crawler.acquire.take_in import raw_of
from storage import files, journal, times
from storage.database.donations import Donation
from storage.errors import ArchiveFault
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.store.file import sha256_of
from storage.warc import manifest
from storage.warc.info import warcinfo
from storage.warc.members import Member, walk
from storage.warc.record import member, new_record_id, warc_fields
from storage.warc.verify.walk import record_at

_TOLD = ("isPartOf", "operator", "rights")


class OpenFile:
    """The file of one run that captures are appended to. Made at the first of them."""

    def __init__(self, folder: ArchiveFolder, site: str, run: str, archive: PublicArchive) -> None:
        self._folder, self._site, self._run, self._archive = folder, site, run, archive
        self._serial = 0
        self._handle: int | None = None
        self._path = Path()
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to close it and begin another."""
        return self._size >= settings.WARC_ROLL_BYTES

    def append(self, got: Got) -> Raw:
        """Write a record and make it last; returns it as it now stands. Raises OSError."""
        if self._handle is None:
            self._open()
        assert self._handle is not None
        offset = self._size
        for piece in member(got.fields, [got.block], len(got.block)):
            files.write(self._handle, piece)
            self._size += len(piece)
        files.sync(self._handle)
        with record_at(self._path, offset) as record:  # as whoever rebuilds will find it
            assert record is not None
            return raw_of(record, self._folder.name_of(self._path))

    def leave(self) -> Path | None:
        """Let go of the file, still under its open name; None if there is none."""
        if self._handle is None:
            return None
        os.close(self._handle)
        self._handle, self._size = None, 0
        return self._path

    def _open(self) -> None:
        stamp = times.now().strftime("%Y%m%d%H%M%S")
        where = f"{socket.gethostname()}-{os.getpid()}"
        name = f"{self._site}-{self._archive.name}-{stamp}-{self._serial:05d}-{where}.warc.gz"
        self._serial += 1
        self._path = folder_of(self._folder, self._site) / (name + OPEN_SUFFIX)
        files.make_folder(self._path.parent)
        self._handle = files.create(self._path)
        for piece in _info(name, self._run, self._archive):
            files.write(self._handle, piece)
            self._size += len(piece)
        files.sync(self._handle)  # no capture may outlast what says whose file it is
        files.sync_folder(self._path.parent)


def folder_of(folder: ArchiveFolder, site: str) -> Path:
    """Where a site's rescued captures are."""
    return folder.root / "donated" / "rescued" / site


def _info(name: str, run: str, archive: PublicArchive) -> Iterator[bytes]:
    block = warc_fields(
        [
            ("software", f"tinhuyen/{settings.VERSION}"),
            ("format", "WARC File Format 1.1"),
            ("operator", archive.donor),
            ("rights", archive.terms),
            ("isPartOf", run),
            ("http-header-user-agent", settings.USER_AGENT),
            ("description", f"Captures of others, fetched from {archive.captures}; each record "
             "names where it was fetched (WARC-Source-URI) and who caught it."),
        ]
    )  # fmt: skip
    return warcinfo(name, block, new_record_id())


def unsettled(folder: ArchiveFolder, site: str, is_done: Callable[[str], bool]) -> list[Path]:
    """Files of a site (`*`: of all) that a kill left open, or closed and not told of, by name.

    `is_done` says it of a file's lasting name.
    """
    replacing = {entry.file for entry in manifest.read_entries(folder) if entry.replaces}
    every = folder_of(folder, "").glob(f"{site}/*.warc.gz*")
    found = sorted(path for path in every if path.name.endswith((".warc.gz", OPEN_SUFFIX)))
    names = [(path, folder.name_of(path)) for path in found]
    return [path for path, name in names if name not in replacing and not is_done(name)]


def close_file(folder: ArchiveFolder, path: Path) -> Donation | None:
    """Cut a file behind its last whole record, give it its lasting name, list and journal it.

    A file that a crash closed halfway is listed again. None if it held no capture; then it is
    removed. Raises ArchiveFault (its first record is damaged), OSError.
    """
    info: Member | None = None
    end = 0
    for found in walk(path):
        if isinstance(found, Member) and found.fields.get("warc-type") == "warcinfo":
            info = info or found
        elif isinstance(found, Member):
            end = found.offset + found.length
    if not end:
        files.remove(path)
        files.sync_folder(path.parent)
        return None
    if info is None:
        raise ArchiveFault(f"{path} does not say whose it is: move it away, and `import` it")
    _cut(path, end)
    if path.name.endswith(OPEN_SUFFIX):
        path, left = path.with_name(path.name.removesuffix(OPEN_SUFFIX)), path
        files.rename(left, path)
        files.sync_folder(path.parent)
    one = _donation(folder, path, info)
    site = path.parent.name
    manifest.list_given(folder, manifest.Entry(one.file, one.bytes, one.sha256, site, one.run))
    journal.note_donation(folder, site, one)
    return one


def _cut(path: Path, end: int) -> None:
    """Cut and sync: a killed process may not have."""
    handle = files.open_existing(path)
    try:
        files.cut(handle, end)
        files.sync(handle)
    finally:
        os.close(handle)


def _donation(folder: ArchiveFolder, path: Path, info: Member) -> Donation:
    """By what the file says of itself, so that it is the same whenever it is closed."""
    lines = (line.partition(": ") for line in info.block.decode().splitlines())
    told = {name: value for name, _, value in lines}
    run, donor, terms = (told[name] for name in _TOLD)
    return Donation(
        folder.name_of(path), None, path.name, path.stat().st_size, sha256_of(path),
        donor, terms, run, info.fields["warc-date"],
    )  # fmt: skip
