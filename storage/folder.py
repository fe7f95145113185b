"""Where things lie in an archive's folder (DESIGN §6)."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage import files
from storage.errors import ArchiveBusy, NotFound, NotHere
from storage.store.file import StoredFile, WarcFile
from storage.store.objects import named_store

OPEN_SUFFIX = ".open"
_BESIDE = ("manifest.jsonl", "journal.jsonl", "signatures.jsonl", "sites/*.toml")
_OF_OURS = re.compile(r"-\d{14}-\d{5}-(.+)-\d+(?:-r\d+)?\.warc\.gz$")


@dataclass(frozen=True, slots=True)
class ArchiveFolder:
    """An archive on disk: its database, journal, manifest and WARC files."""

    root: Path

    @property
    def database_url(self) -> str:
        """The embedded database, used where no other is named."""
        return f"sqlite:///{self.root / 'archive.db'}"

    @property
    def journal(self) -> Path:
        """Decisions, outcomes and failures without bytes: one JSON object a line."""
        return self.root / "journal.jsonl"

    @property
    def manifest(self) -> Path:
        """Every closed WARC file with its size and sha256: one JSON object a line."""
        return self.root / "manifest.jsonl"

    @property
    def sites(self) -> Path:
        """The archive's own site tables, `*.toml`."""
        return self.root / "sites"

    @property
    def machine(self) -> str:
        """The name of this folder among those of one archive: made once, and kept in it.

        At most 33 characters. Raises OSError.
        """
        path = self.root / "machine"
        if not path.exists():
            files.make_folder(self.root)
            new = path.with_name(f"machine.{uuid.uuid4().hex}")
            handle = files.create(new)
            name = f"{socket.gethostname()[:24]}-{uuid.uuid4().hex[:8]}\n"
            files.write(handle, name.encode())
            files.sync(handle)
            os.close(handle)
            files.rename(new, path)
            files.sync_folder(self.root)
        return path.read_text().strip()

    def beside(self) -> list[Path]:
        """All that a rebuild needs beside WARC files, and the proofs: what there is of it."""
        return [path for name in _BESIDE for path in sorted(self.root.glob(name))]

    def warc(self, site_id: str) -> Path:
        """The folder of a site's own WARC files."""
        return self.root / "warc" / site_id

    def file(self, name: str) -> WarcFile:
        """The file that a record names, open or closed, here or in the store.

        Raises NotHere, StoreFault.
        """
        here = self.file_here(name)
        if here is not None:
            return here
        store = named_store()
        if store is None:
            raise NotHere(f"{name} is not in {self.root}; was it moved away, or is it elsewhere?")
        try:
            return store.find(name)
        except NotFound as error:
            where = f"{name} is neither in {self.root} nor in {store.url}"
            raise NotHere(
                f"{where}; {_writer(name)} may still be writing it, or has not shipped it yet "
                "(`tinhuyen warc ship` there does)"
            ) from error

    def file_here(self, name: str) -> Path | None:
        """The file that a record names, open or closed, if it is in this folder."""
        path = self.root / name
        there = (path, path.with_name(path.name + OPEN_SUFFIX))
        return next((candidate for candidate in there if candidate.exists()), None)

    def named(self, file: str) -> WarcFile:
        """A file by its path or by the name that the archive gives it. Raises NotFound."""
        path = Path(file)
        return path.absolute() if path.is_file() else self.file(file)

    def holds(self, file: WarcFile) -> bool:
        """Whether a file is the archive's: here or in its store."""
        return not isinstance(file, Path) or file.is_relative_to(self.root)

    def open_files(self, site_id: str) -> list[Path]:
        """WARC files of a site that nobody closed, oldest first."""
        return sorted(self.warc(site_id).glob("*.warc.gz" + OPEN_SUFFIX))

    def warc_files(self) -> list[Path]:
        """All WARC files, own and donated, closed or open, by path."""
        tops = (self.root / "warc", self.root / "donated")
        kinds = (".warc", ".warc.gz", ".warc.gz" + OPEN_SUFFIX)
        found = (path for top in tops for path in top.rglob("*.warc*") if path.is_file())
        return sorted(path for path in found if path.name.endswith(kinds))

    def all_names(self) -> list[str]:
        """Names of all WARC files, here and in the store; one that is open ends in `.open`.

        Raises StoreFault.
        """
        here = {path.relative_to(self.root).as_posix() for path in self.warc_files()}
        store = named_store()
        there = store.names("warc", "donated") if store is not None else ()
        return sorted(here | {name for name in there if name.endswith((".warc", ".warc.gz"))})

    def name_of(self, path: WarcFile) -> str:
        """A file's lasting name: relative to the archive, without `.open`."""
        if isinstance(path, StoredFile):
            return path.kept_as
        assert isinstance(path, Path)
        return path.relative_to(self.root).as_posix().removesuffix(OPEN_SUFFIX)

    @contextmanager
    def site_lock(self, site_id: str) -> Iterator[None]:
        """Held by the one process that crawls or recovers a site. Raises ArchiveBusy."""
        shared = self._lock(self.root, "the archive is being rebuilt", fcntl.LOCK_SH)
        with shared, self._lock(self.warc(site_id), f"{site_id} is being crawled", fcntl.LOCK_EX):
            yield

    @contextmanager
    def import_lock(self) -> Iterator[None]:
        """Held by the one process that takes in donated files. Raises ArchiveBusy."""
        shared = self._lock(self.root, "the archive is being rebuilt", fcntl.LOCK_SH)
        donated = self.root / "donated"
        with shared, self._lock(donated, "files are being imported", fcntl.LOCK_EX):
            yield

    @contextmanager
    def shipping_lock(self) -> Iterator[None]:
        """Held by the one process that moves files to the store. Raises ArchiveBusy."""
        shared = self._lock(self.root, "the archive is being rebuilt", fcntl.LOCK_SH)
        logs = self.root / "logs"
        with shared, self._lock(logs, "files are being shipped", fcntl.LOCK_EX):
            yield

    @contextmanager
    def whole_lock(self) -> Iterator[None]:
        """Held while nothing of the archive may be crawled or recovered. Raises ArchiveBusy."""
        with self._lock(self.root, "the archive is in use", fcntl.LOCK_EX):
            yield

    @contextmanager
    def _lock(self, folder: Path, what: str, kind: int) -> Iterator[None]:
        files.make_folder(folder)
        with (folder / ".lock").open("a+") as lock:
            try:
                fcntl.flock(lock, kind | fcntl.LOCK_NB)
            except OSError as error:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise ArchiveBusy(f"{what} by {holder}; wait for it or stop it") from error
            lock.truncate(0)
            lock.write(f"process {os.getpid()}")
            lock.flush()
            yield


def _writer(name: str) -> str:
    """The machine that wrote a file, as its name says."""
    found = _OF_OURS.search(name)
    return f"the machine {found[1]}" if found else "the machine that took it in"
