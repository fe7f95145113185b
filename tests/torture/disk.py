"""A disk that has lost its power: what stands on it after the steps that were taken.

The model, after POSIX and fsync(2): a file's bytes and length last once it was synced, a name
(new, renamed, removed; a folder's too) once its folder was. Of what was done since, a strict disk
has nothing. A random one has any of it: of each folder's changes the first few, of each file's
the first few, the last of them torn, and in between blocks of zeros where a later write came to
the disk before an earlier one. The database is taken as of its last COMMIT: that WAL mode with
synchronous=FULL keeps this promise is SQLite's own to test (sqlite.org/testing.html).
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tests.torture.recorder import Step

Names = dict[str, str | None]
"""A file's number by its path; None for a folder."""


@dataclass
class _File:
    lasting: bytes = b""
    since: list[tuple[str, Any]] = field(default_factory=list)


class Disk:
    """Takes steps, then loses its power."""

    def __init__(self) -> None:
        self._files: defaultdict[str, _File] = defaultdict(_File)
        self._lasting: Names = {}
        self._since: defaultdict[str, list[tuple[str, str, Any]]] = defaultdict(list)

    def take(self, steps: Iterable[Step]) -> None:
        """Do as these steps say."""
        for step in steps:
            self._take(step.kind, step.target, step.what)

    def _take(self, kind: str, target: str, what: Any) -> None:
        if kind == "base_folder":
            self._lasting[target] = None
        elif kind == "base":
            self._lasting[target] = what[0]
            self._files[what[0]].lasting = what[1]
        elif kind in ("write", "cut"):
            self._files[target].since.append((kind, what))
        elif kind == "sync":
            file = self._files[target]
            file.lasting, file.since = _after(file.lasting, file.since), []
        elif kind == "sync_folder":
            for change in self._since.pop(target, []):
                _change(self._lasting, *change)
        elif kind != "commit":
            self._since[str(PurePosixPath(target).parent)].append((kind, target, what))

    def write_to(self, folder: Path, chance: random.Random | None) -> None:
        """Lay out what the disk has: strictly, or by chance."""
        names = dict(self._lasting)
        for changes in self._since.values():
            for change in changes[: chance.randint(0, len(changes))] if chance else []:
                _change(names, *change)
        folder.mkdir(parents=True)
        for name in sorted(names):
            path, number = folder / name, names[name]
            if not path.parent.is_dir():
                continue  # its folder was lost
            if number is None:
                path.mkdir()
            else:
                path.write_bytes(self._content(self._files[number], chance))

    def _content(self, file: _File, chance: random.Random | None) -> bytes:
        if chance is None or not file.since:
            return file.lasting
        arrived = list(file.since[: chance.randint(0, len(file.since))])
        for place, (kind, what) in enumerate(arrived):
            if kind == "write" and place == len(arrived) - 1:
                arrived[place] = (kind, what[: chance.randint(0, len(what))])
            elif kind == "write" and chance.random() < 0.2:
                arrived[place] = (kind, bytes(len(what)))
        return _after(file.lasting, arrived) + bytes(chance.choice((0, 0, 4096)))


def _after(content: bytes, changes: list[tuple[str, Any]]) -> bytes:
    for kind, what in changes:
        content = content + what if kind == "write" else content[:what]
    return content


def _change(names: Names, kind: str, target: str, what: Any) -> None:
    if kind == "create":
        names[target] = what
    elif kind == "add_folder":
        names[target] = None
    elif kind == "rename" and target in names:
        names[what] = names.pop(target)
    elif kind == "remove":
        names.pop(target, None)


def restore_database(log: Path, number: int, folder: Path) -> None:
    """The database as it was committed then."""
    if number:
        shutil.copyfile(log / f"{number}.db", folder / "archive.db")
