"""Donated files kept as they were given: copied, synced, listed, journaled, in this order."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine

from storage import files, journal, times
from storage.archive import Archive
from storage.database.connect import writing
from storage.database.donations import IMPORTS, Donation, find_donation, save_donation
from storage.store.file import WarcFile, sha256_of
from storage.warc import manifest

_PIECE = 1 << 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
_NAME_CHARS = 120
Advance = Callable[[int], object]
"""Told of bytes as they are done."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps files of one run, from one giver."""

    archive: Archive
    engine: Engine
    run: str
    donor: str
    terms: str

    @property
    def incoming(self) -> Path:
        """Where files are made; what a kill leaves here is no part of the archive."""
        return self.archive.folder.root / "donated" / "incoming"

    def clear(self) -> None:
        """Forget what a killed import left unfinished."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        files.make_folder(self.incoming)

    def keep(
        self, source: WarcFile, name: str, *, advance: Advance = lambda done: None
    ) -> tuple[Donation, bool]:
        """Keep a copy of a file; returns it, and whether it was known. Raises OSError."""
        is_here = isinstance(source, Path)  # else it is fetched once, and looked at then
        if is_here and (known := self._known(sha256_of(source, advance=advance))):
            return known, True
        with self.new_file() as (copy, out), source.open("rb") as file:
            while piece := file.read(_PIECE):
                out(piece)
        sha256 = sha256_of(copy, advance=(lambda size: None) if is_here else advance)
        if not is_here and (known := self._known(sha256)):
            copy.unlink()
            return known, True
        moment = source.stat().st_mtime_ns  # a saved page may have no other day than its file's
        if moment:
            os.utime(copy, ns=(moment, moment))
        return self.adopt(copy, name, None, sha256), False

    def _known(self, sha256: str) -> Donation | None:
        with writing(self.engine) as tx:
            return find_donation(tx, sha256)

    @contextmanager
    def new_file(self) -> Iterator[tuple[Path, Callable[[bytes], None]]]:
        """A new file and what appends to it; synced when the context ends well."""
        path = self.incoming / f"{uuid.uuid4().hex}"
        handle = files.create(path)
        try:
            yield path, lambda data: files.write(handle, data)
            files.sync(handle)
        finally:
            os.close(handle)

    def adopt(
        self, path: Path, name: str, made_of: str | None, sha256: str | None = None
    ) -> Donation:
        """Give a synced file of `incoming` its place, and tell of it. Raises OSError.

        `sha256`: where it is known already.
        """
        sha256, size = sha256 or sha256_of(path), path.stat().st_size
        known = self._known(sha256)
        if known is not None:
            path.unlink()
            return known
        target = self.archive.folder.root / "donated" / sha256[:16] / safe_name(name)
        files.make_folder(target.parent)
        files.rename(path, target)
        files.sync_folder(target.parent)
        one = Donation(
            self.archive.folder.name_of(target), made_of, name, size, sha256, self.donor,
            self.terms, self.run, times.utc_text(times.now()),
        )  # fmt: skip
        self._tell(one)
        return one

    def _tell(self, one: Donation) -> None:
        """A kill between two of these leaves a file that nobody knows; it is given again."""
        entry = manifest.Entry(one.file, one.bytes, one.sha256, IMPORTS, self.run)
        manifest.list_given(self.archive.folder, entry)
        journal.note_donation(self.archive.folder, IMPORTS, one)
        with writing(self.engine) as tx:
            save_donation(tx, one)


def safe_name(name: str) -> str:
    """A file's name for any disk: ASCII letters, digits and a few signs; its ending stays."""
    plain = _UNSAFE.sub("_", Path(name).name).lstrip("._-") or "file"
    return plain[-_NAME_CHARS:]


def copy_into(file: IO[bytes], out: Callable[[bytes], None]) -> None:
    """All that a stream gives, piece by piece."""
    while piece := file.read(_PIECE):
        out(piece)
