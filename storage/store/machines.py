"""What each machine of an archive keeps beside its WARC files, in the store for all to read.

A machine (a folder that `--archive` names) only appends to its own manifest and journal. Copies of
them lie in the store under `machines/<machine>/`; whoever rebuilds reads those of all machines.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from heapq import merge
from pathlib import Path, PurePosixPath
from typing import Any

from storage import files
from storage.errors import UsageError
from storage.folder import ArchiveFolder
from storage.lines import read_lines
from storage.store.file import StoredFile
from storage.store.objects import Store, named_store

MACHINES = "machines"
_TABLES = f"{MACHINES}/*/sites/*.toml"

Line = dict[str, Any]


def ship_beside(folder: ArchiveFolder, store: Store) -> None:
    """Copy this machine's manifest, journal, signatures and site tables, where they are others.

    Raises UsageError (the store knows more of this machine than this folder), StoreFault, OSError.
    """
    top = f"{MACHINES}/{folder.machine}"
    sizes = store.names(top)
    for path in folder.beside():
        name = f"{top}/{path.relative_to(folder.root).as_posix()}"
        if not _is_same(path, store, name, sizes.get(name)):
            store.put(path, name)


def _is_same(path: Path, store: Store, name: str, held: int | None) -> bool:
    """By size where lines are only ever appended; site tables are edited, and small."""
    size = path.stat().st_size
    if path.suffix == ".jsonl":
        if held is not None and held > size:
            raise UsageError(
                f"{store.url}/{name} is longer than {path}: was this folder put back from an older "
                "copy? Remove the file `machine` in it and ship again: it is then another machine, "
                "and nothing is written over"
            )
        return held == size
    return held == size and store.look_up(name).open("rb").read() == path.read_bytes()


def all_lines(folder: ArchiveFolder, name: str) -> Iterator[Line]:
    """The lines of this machine's `manifest.jsonl` or `journal.jsonl` and of all others', by time.

    Each machine's stay in their order. Without a store: this machine's. Raises StoreFault, OSError.
    """
    sources = [read_lines(folder.root / name)]
    sources += [read_lines(file) for file in others(folder, name)]
    if len(sources) == 1:
        return sources[0]
    return _each_once(merge(*map(_timed, sources), key=lambda pair: pair[0]))


def _each_once(timed: Iterator[tuple[str, Line]]) -> Iterator[Line]:
    """A folder that was copied tells what happened before as the other one does."""
    now, told = "", list[Line]()
    for moment, line in timed:
        if moment != now:
            now, told = moment, []
        if line not in told:
            told.append(line)
            yield line


def _timed(lines: Iterator[Line]) -> Iterator[tuple[str, Line]]:
    """A line is told no earlier than the one before it."""
    last = ""
    for line in lines:
        last = max(last, str(line.get("at") or line.get("closed_at") or ""))
        yield last, line


def others(folder: ArchiveFolder, name: str) -> list[StoredFile]:
    """A file of this name of every other machine that shipped one, by machine.

    Raises StoreFault, OSError.
    """
    store = named_store()
    if store is None:
        return []
    own = folder.root / "machine"
    me = own.read_text().strip() if own.exists() else None
    copies = (path for path in sorted(store.names(MACHINES)) if path.endswith(f"/{name}"))
    return [store.look_up(path) for path in copies if path != f"{MACHINES}/{me}/{name}"]


def bring_sites(folder: ArchiveFolder) -> None:
    """Into a folder without site tables of its own those of all machines, all of them or none.

    Of one name the one that came to the store last. Raises StoreFault, OSError.
    """
    store = named_store()
    if store is None or any(folder.sites.glob("*.toml")):
        return
    names = [one for one in store.names(MACHINES) if PurePosixPath(one).match(_TABLES)]
    tables = sorted(map(store.look_up, names), key=lambda file: file.stat().st_mtime_ns)
    if not tables:
        return
    unfinished = folder.sites.with_name("sites.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    files.make_folder(unfinished)
    for name, file in {table.name: table for table in tables}.items():
        with file.open("rb") as stream:
            files.copy(stream, unfinished / name)
    files.sync_folder(unfinished)
    files.rename(unfinished, folder.sites)
    files.sync_folder(folder.root)
