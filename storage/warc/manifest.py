"""The manifest: every closed WARC file with its size and sha256, in the order of their closing.

A line also has the head of the tree over the file's records (storage.warc.tree), by which a single
record can be proven without the file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from storage import files, times
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.lines import append_lines, read_lines
from storage.store.file import WarcFile, sha256_of
from storage.store.machines import all_lines
from storage.warc import index
from storage.warc.tree import tree_of_file

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A closed file: its lasting name, size, sha256 (lower-case hex), and whose it is."""

    file: str
    bytes: int
    sha256: str
    site: str
    run: str | None
    replaces: str | None = None
    """The file whose other records it holds: a takedown took some out (storage.takedown)."""


_NAMES = [field.name for field in fields(Entry)]


def list_given(folder: ArchiveFolder, entry: Entry) -> None:
    """List a file that others wrote, without a tree; its index is the caller's to make.

    Raises OSError.
    """
    _append(folder, entry, None)


def close_file(folder: ArchiveFolder, path: Path, entry: Entry) -> None:
    """Give a synced `.open` file its lasting name and list it.

    A crash between the two leaves a closed file that is not listed; `list_missing` mends it.
    """
    files.rename(path, path.with_name(path.name.removesuffix(OPEN_SUFFIX)))
    files.sync_folder(path.parent)
    list_file(folder, entry)


def list_file(folder: ArchiveFolder, entry: Entry) -> None:
    """List a closed file of ours, and index it. Raises OSError."""
    _append(folder, entry, _head_of_tree(folder.file(entry.file)))
    index.keep_current(folder, entry.file)


def _append(folder: ArchiveFolder, entry: Entry, tree: str | None) -> None:
    values = {name: value for name, value in asdict(entry).items() if name != "replaces" or value}
    line = values | {"tree": tree, "closed_at": times.utc_text(times.now())}
    append_lines(folder.manifest, [line])


def _head_of_tree(path: WarcFile) -> str | None:
    """None if the disk does not give the file back: it is listed all the same."""
    try:
        return tree_of_file(path)[0].head
    except OSError:
        logger.exception("no tree over the records of %s", path)
        return None


def list_anew(folder: ArchiveFolder) -> list[str]:
    """List files of ours again whose line has no tree over their records; returns their names.

    Versions before this one listed files so. A file that is gone, or is not what its line says,
    stays as it is listed: `warc manifest --check` tells of it. Raises OSError.
    """
    lines = {line["file"]: line for line in read_lines(folder.manifest)}
    own = (line for name, line in lines.items() if name.startswith("warc/"))
    without = [line for line in own if not line.get("tree")]
    entries = [_entry(line) for line in without]
    sound = [one for one in entries if _is_as_listed(folder.root / one.file, one)]
    for entry in sound:
        list_file(folder, entry)
    return [entry.file for entry in sound]


def _is_as_listed(path: Path, entry: Entry) -> bool:
    return path.exists() and sha256_of(path) == entry.sha256


def read_entries(folder: ArchiveFolder) -> Iterator[Entry]:
    """The newest entry of every file, in the order of their closing; not of those replaced.

    Of all machines that share a store. Raises StoreFault.
    """
    return _standing(map(_entry, all_lines(folder, folder.manifest.name)))


def own_entries(folder: ArchiveFolder) -> Iterator[Entry]:
    """The same of the files that this machine listed."""
    return _standing(_read_all(folder))


def _standing(listed: Iterable[Entry]) -> Iterator[Entry]:
    entries = {entry.file: entry for entry in listed}
    replaced = {entry.replaces for entry in entries.values()}
    return (entry for name, entry in entries.items() if name not in replaced)


def replaced_in(manifest: WarcFile) -> list[str]:
    """Names of files that another took the place of, as a machine's manifest tells.

    They are removed; a crash may leave one.
    """
    return [line["replaces"] for line in read_lines(manifest) if line.get("replaces")]


def _read_all(folder: ArchiveFolder) -> Iterator[Entry]:
    return map(_entry, read_lines(folder.manifest))


def _entry(line: dict[str, Any]) -> Entry:
    return Entry(**{name: line[name] for name in _NAMES if name in line})


def list_missing(folder: ArchiveFolder, site_id: str) -> list[str]:
    """List closed files of a site that a crash kept from the manifest; returns their names."""
    known = {entry.file for entry in _read_all(folder)}
    missing = [
        p for p in sorted(folder.warc(site_id).glob("*.warc.gz")) if folder.name_of(p) not in known
    ]
    for path in missing:
        name, size = folder.name_of(path), path.stat().st_size
        list_file(folder, Entry(name, size, sha256_of(path), site_id, None))
    return [folder.name_of(path) for path in missing]
