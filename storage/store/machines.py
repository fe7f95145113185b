"""What each machine of an archive keeps beside its WARC files, in the store for all to read.

A machine (a folder that `--archive` names) only appends to its own manifest and journal. Copies of
them lie in the store under `machines/<machine>/`; whoever rebuilds reads those of all machines.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from heapq import merge
from pathlib import Path
from typing import Any

from storage import files
from storage.folder import ArchiveFolder
from storage.lines import read_lines
from storage.store.file import StoredFile
from storage.store.objects import Store, named_store

MACHINES = "machines"
_BESIDE = ("manifest.jsonl", "journal.jsonl", "signatures.jsonl", "sites/*.toml")
"""All that a rebuild needs beside WARC files, and the proofs."""

Line = dict[str, Any]


def machine_of(folder: ArchiveFolder) -> str:
    """The name of this folder among those that share a store: made once, kept in the folder.

    Raises OSError.
    """
    path = folder.root / "machine"
    if not path.exists():
        files.make_folder(folder.root)
        new = path.with_name(f"machine.{uuid.uuid4().hex}")
        handle = files.create(new)
        files.write(handle, f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}\n".encode())
        files.sync(handle)
        files.rename(new, path)
        files.sync_folder(folder.root)
    return path.read_text().strip()


def ship_beside(folder: ArchiveFolder, store: Store) -> None:
    """Copy this machine's manifest, journal, signatures and site tables, where they are others.

    Raises StoreFault, OSError.
    """
    top = f"{MACHINES}/{machine_of(folder)}"
    for path in (path for name in _BESIDE for path in sorted(folder.root.glob(name))):
        name = f"{top}/{path.relative_to(folder.root).as_posix()}"
        if not _is_same(path, store, name):
            store.put(path, name)


def _is_same(path: Path, store: Store, name: str) -> bool:
    """By size where lines are only ever appended; site tables are edited, and small."""
    if path.suffix == ".jsonl":
        return store.size_of(name) == path.stat().st_size
    held = store.size_of(name)
    return held is not None and store.look_up(name).open("rb").read() == path.read_bytes()


def all_lines(folder: ArchiveFolder, name: str) -> Iterator[Line]:
    """The lines of this machine's `manifest.jsonl` or `journal.jsonl` and of all others', by time.

    Each machine's stay in their order. Without a store: this machine's. Raises StoreFault, OSError.
    """
    sources = [read_lines(folder.root / name)]
    sources += [read_lines(file) for file in others(folder, name)]
    if len(sources) == 1:
        return sources[0]
    return (line for _, line in merge(*map(_timed, sources), key=lambda pair: pair[0]))


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
    found = []
    for path in sorted(store.names(MACHINES)):
        _, machine, inside = path.split("/", 2)
        if inside == name and machine != me:
            found.append(store.look_up(path))
    return found


def bring_sites(folder: ArchiveFolder) -> list[str]:
    """Into a folder without site tables of its own, those of the machines; returns their names.

    Of one name the longest is taken: a table grows. Raises StoreFault, OSError.
    """
    store = named_store()
    if store is None or any(folder.sites.glob("*.toml")):
        return []
    best: dict[str, StoredFile] = {}
    for path in sorted(store.names(MACHINES)):
        _, _, inside = path.split("/", 2)
        if inside.startswith("sites/"):
            file = store.look_up(path)
            if inside not in best or file.stat().st_size > best[inside].stat().st_size:
                best[inside] = file
    files.make_folder(folder.sites)
    for inside, file in best.items():
        (folder.root / inside).write_bytes(file.open("rb").read())
    return sorted(best)
