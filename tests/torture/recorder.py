"""Writes down, in the crawling process, what it does to its files and when it commits.

Every call of storage.files is logged with its data before it is made, and every COMMIT; with each
goes the number of the newest copy of the database, taken whenever it has changed.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Engine, event

from storage import files


@dataclass(frozen=True)
class Step:
    """Something about to be done."""

    kind: str
    target: str
    """A path relative to the archive, or a file's number."""
    what: Any
    database: int
    """Number of the copy of the database as it is now; 0 if there is none."""


class Recorder:
    """Made before the crawl begins; works in the crawl's process."""

    def __init__(self, archive: Path, log: Path) -> None:
        self._archive, self._log = archive, log
        log.mkdir()
        self._out: BinaryIO = (log / "steps").open("wb")
        self._lock = threading.RLock()
        self._numbers: dict[int, str] = {}  # of files, by inode: a number is never used again
        self._copies = 0
        self._seen: tuple[tuple[int, int], ...] = ()
        for path in sorted(archive.glob("**/*")):
            if path.is_dir():
                self._step("base_folder", self._name(path), None)
            elif not path.name.startswith((".", "archive.db")):
                number = self._number(path.stat().st_ino)
                self._step("base", self._name(path), (number, path.read_bytes()))

    def start(self) -> None:
        """From now on everything is written down."""
        self._wrap("add_folder", lambda path: ("add_folder", self._name(path), None))
        self._wrap("write", lambda handle, data: ("write", self._of(handle), bytes(data)))
        self._wrap("cut", lambda handle, size: ("cut", self._of(handle), size))
        self._wrap("sync", lambda handle: ("sync", self._of(handle), None))
        self._wrap("rename", lambda old, new: ("rename", self._name(old), self._name(new)))
        self._wrap("remove", lambda path: ("remove", self._name(path), None))
        self._wrap("sync_folder", lambda path: ("sync_folder", self._name(path), None))
        make = files.create

        def create(path: Path) -> int:
            with self._lock:
                handle = make(path)
                number = self._numbers[os.fstat(handle).st_ino] = str(len(self._numbers) + 10**6)
                self._step("create", self._name(path), number)
                return handle

        files.create = create
        event.listen(Engine, "commit", lambda connection: self._step("commit", "", None))

    def _wrap(self, name: str, describe: Callable[..., tuple[str, str, Any]]) -> None:
        real = getattr(files, name)

        def recorded(*arguments: Any) -> Any:
            with self._lock:
                self._step(*describe(*arguments))
                return real(*arguments)

        setattr(files, name, recorded)

    def _step(self, kind: str, target: str, what: Any) -> None:
        with self._lock:
            self._copy_database()
            pickle.dump(Step(kind, target, what, self._copies), self._out)
            self._out.flush()

    def _copy_database(self) -> None:
        database = self._archive / "archive.db"
        if not database.exists():
            return
        sides = (database, self._archive / "archive.db-wal")
        state = tuple((s.st_size, s.st_mtime_ns) for s in (p.stat() for p in sides if p.exists()))
        if state == self._seen:
            return
        self._seen = state
        self._copies += 1
        copy = sqlite3.connect(self._log / f"{self._copies}.db")
        source = sqlite3.connect(database, timeout=30)
        source.backup(copy)
        source.close()
        copy.close()

    def _number(self, inode: int) -> str:
        return self._numbers.setdefault(inode, str(inode))

    def _of(self, handle: int) -> str:
        return self._number(os.fstat(handle).st_ino)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._archive).as_posix() if path != self._archive else "."


def read_steps(log: Path) -> Iterator[Step]:
    """What a recorder wrote down."""
    with (log / "steps").open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return
