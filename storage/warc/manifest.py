"""The manifest: every closed WARC file with its size and sha256, in the order of their closing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from storage import files, times
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.lines import append_lines, read_lines
from storage.warc import index


@dataclass(frozen=True, slots=True)
class Entry:
    """A closed file: its lasting name, size, sha256 (lower-case hex), and whose it is."""

    file: str
    bytes: int
    sha256: str
    site: str
    run: str | None


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_file(folder: ArchiveFolder, entry: Entry) -> None:
    """List a file that has its lasting name. Its index is the caller's to make. Raises OSError."""
    append_lines(folder.manifest, [asdict(entry) | {"closed_at": times.utc_text(times.now())}])


def close_file(folder: ArchiveFolder, path: Path, entry: Entry) -> None:
    """Give a synced `.open` file its lasting name and list it.

    A crash between the two leaves a closed file that is not listed; `list_missing` mends it.
    """
    files.rename(path, path.with_name(path.name.removesuffix(OPEN_SUFFIX)))
    files.sync_folder(path.parent)
    _list(folder, entry)


def _list(folder: ArchiveFolder, entry: Entry) -> None:
    list_file(folder, entry)
    index.keep_current(folder, entry.file)


def read_entries(folder: ArchiveFolder) -> Iterator[Entry]:
    """Every entry, oldest first."""
    names = [field.name for field in fields(Entry)]
    for line in read_lines(folder.manifest):
        yield Entry(*(line[name] for name in names))


def list_missing(folder: ArchiveFolder, site_id: str) -> list[str]:
    """List closed files of a site that a crash kept from the manifest; returns their names."""
    known = {entry.file for entry in read_entries(folder)}
    missing = [
        p for p in sorted(folder.warc(site_id).glob("*.warc.gz")) if folder.name_of(p) not in known
    ]
    for path in missing:
        name, size = folder.name_of(path), path.stat().st_size
        _list(folder, Entry(name, size, sha256_of(path), site_id, None))
    return [folder.name_of(path) for path in missing]
