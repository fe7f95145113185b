"""Finished WARC files moved to the store, and back.

The order for a file, so that a crash at any moment loses nothing: copied there in one step → all
of it read back, and its sha256 compared with the manifest's → noted in `logs/shipped.jsonl` → the
local copy removed. Before any file, the manifest that lists it. Whoever ships again goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage import files, times
from storage.errors import NotFound, StoreFault, WarcError
from storage.folder import ArchiveFolder
from storage.lines import append_lines, read_lines
from storage.store.file import sha256_of
from storage.store.machines import MACHINES, others, ship_beside
from storage.store.objects import Store, named_store
from storage.warc import index
from storage.warc.manifest import Entry, own_entries, read_entries, replaced_in

_MOVED = (".warc", ".gz", ".zst", ".arc", ".lz4", ".wacz")
"""Donated files of other endings are copied: a saved page's day may be its file's."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What became of a file."""

    file: str
    bytes: int
    what: str
    """`shipped`; `was there` already; `withdrawn`: a takedown replaced it; `damaged`."""
    is_here: bool
    """Whether a copy is left here."""
    why: str | None = None
    """Of a damaged one, what is wrong."""

    @property
    def is_there(self) -> bool:
        """Whether the store has it, whole."""
        return self.what in ("shipped", "was there")


def ship(folder: ArchiveFolder, store: Store, *, keep_local: bool = False) -> Iterator[Shipped]:
    """Move every finished file of this folder to the store; what is done already costs nothing.

    Also copies this machine's manifest and journal there. `keep_local`: no local copy goes.
    Raises ArchiveBusy (another process ships), UsageError (this folder was put back from an older
    copy), StoreFault, OSError; run again, it goes on.
    """
    with folder.shipping_lock():
        ship_beside(folder, store)
        done, withdrawn = _verified(folder, store), _Withdrawn(folder, store)
        for entry in own_entries(folder):
            if not (folder.root / entry.file).exists():
                continue  # moved already, or lost: `warc manifest --check` tells
            if entry.file in withdrawn.names:
                yield _withdraw(folder, entry)
            elif not _stays(entry, keep_local) or done.get(entry.file) != entry.sha256:
                yield _ship(folder, store, entry, withdrawn, keep_local=keep_local)


def waiting(folder: ArchiveFolder, store: Store) -> list[Entry]:
    """Finished files of this folder that were never found whole in the store."""
    done = _verified(folder, store)
    return [one for one in own_entries(folder) if done.get(one.file) != one.sha256]


def fetch(folder: ArchiveFolder, name: str) -> Path:
    """Copy a file back from the store, compared with the manifest; returns where it is.

    Raises NotFound (no manifest lists it, or it is nowhere), StoreFault, WarcError (the copy in the
    store is not as listed), OSError.
    """
    entry = next((one for one in read_entries(folder) if one.file == name), None)
    if entry is None:
        raise NotFound(f"no machine's manifest lists {name}; `tinhuyen warc manifest` shows names")
    here = folder.file_here(name)
    if here is not None:
        return here
    stored, path = folder.file(name), folder.root / name
    files.make_folder(path.parent)
    unfinished = path.with_name(path.name + ".fetching")
    unfinished.unlink(missing_ok=True)
    with stored.open("rb") as file:
        files.copy(file, unfinished)
    if sha256_of(unfinished) != entry.sha256:
        unfinished.unlink()
        raise WarcError("the store's copy is not the file that the manifest lists", name, 0)
    files.rename(unfinished, path)
    files.sync_folder(path.parent)
    return path


def _ship(
    folder: ArchiveFolder,
    store: Store,
    entry: Entry,
    withdrawn: _Withdrawn,
    *,
    keep_local: bool,
) -> Shipped:
    path, what = folder.root / entry.file, "was there"
    if not _holds(store, entry):
        withdrawn.look_again()  # only now: before it was missed there proves less
        if entry.file in withdrawn.names:
            return _withdraw(folder, entry)
        store.put(path, entry.file)
        what = "shipped"
        if not _holds(store, entry):
            store.remove(entry.file)
            return Shipped(entry.file, entry.bytes, "damaged", True, _whose_fault(path, entry))
    _note_shipped(folder, store, entry)
    stays = _stays(entry, keep_local)
    if not stays:
        files.remove(path)
        files.sync_folder(path.parent)
    return Shipped(entry.file, entry.bytes, what, stays)


def _stays(entry: Entry, keep_local: bool) -> bool:
    return keep_local or not entry.file.endswith(_MOVED)


def _holds(store: Store, entry: Entry) -> bool:
    """Whether the store gives back the very bytes that are listed: all of them are read."""
    try:
        return store.size_of(entry.file) == entry.bytes and (
            store.sha256_of(entry.file) == entry.sha256
        )
    except NotFound:
        return False


def _whose_fault(path: Path, entry: Entry) -> str:
    if sha256_of(path) != entry.sha256:
        return "the local file is not as the manifest lists it: `tinhuyen warc verify` says more"
    return "the store gave other bytes back than it was given; they were removed there"


class _Withdrawn:
    """What takedowns on other machines replaced."""

    def __init__(self, folder: ArchiveFolder, store: Store) -> None:
        self._folder, self._store = folder, store
        self._sizes: dict[str, int] = {}
        self.names: set[str] = set()
        self.look_again()

    def look_again(self) -> None:
        """One listing; the manifests are read only if one of them grew."""
        copies = self._store.names(MACHINES).items()
        sizes = {name: size for name, size in copies if name.endswith("/manifest.jsonl")}
        if sizes != self._sizes:
            lists = others(self._folder, "manifest.jsonl")
            self.names = {name for file in lists for name in replaced_in(file)}
            self._sizes = sizes


def _withdraw(folder: ArchiveFolder, entry: Entry) -> Shipped:
    remove_here(folder, entry.file)
    return Shipped(entry.file, entry.bytes, "withdrawn", is_here=False)


def replace_in_store(folder: ArchiveFolder, entry: Entry) -> None:
    """Ship a file that stands for another, if that one is in the store, and the list that says so.

    From then on no machine ships the other again. Raises StoreFault (it cannot be), OSError.
    """
    store = named_store()
    if store is None or entry.replaces is None or store.size_of(entry.replaces) is None:
        return
    ship_beside(folder, store)
    done = _ship(folder, store, entry, _Withdrawn(folder, store), keep_local=True)
    if done.why is not None:
        raise StoreFault(f"{entry.file}: {done.why}")


def remove_here(folder: ArchiveFolder, name: str) -> None:
    """Take a file and its index away from this folder, if they are here. Raises OSError."""
    for path in (index.index_of(folder, name), folder.root / name):
        if path.exists():
            files.remove(path)
            files.sync_folder(path.parent)


def _note_shipped(folder: ArchiveFolder, store: Store, entry: Entry) -> None:
    """Note that the store gave a file back as it is listed. Raises OSError."""
    told = {"file": entry.file, "sha256": entry.sha256, "bytes": entry.bytes, "store": store.url}
    append_lines(_log(folder), [told | {"at": times.utc_text(times.now())}])


def _verified(folder: ArchiveFolder, store: Store) -> dict[str, str]:
    """sha256 by file, of those that this store gave back."""
    lines = read_lines(_log(folder))
    return {line["file"]: line["sha256"] for line in lines if line["store"] == store.url}


def _log(folder: ArchiveFolder) -> Path:
    return folder.root / "logs" / "shipped.jsonl"
