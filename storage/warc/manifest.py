"""The manifest: every closed WARC file with its size and sha256."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from storage import times
from storage.folder import OPEN_SUFFIX, ArchiveFolder, sync_folder
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


def close_file(folder: ArchiveFolder, path: Path, entry: Entry) -> None:
    """Give a synced `.open` file its lasting name and list it.

    A crash between the two leaves a closed file that is not listed; `list_missing` mends it.
    """
    path.rename(path.with_name(path.name.removesuffix(OPEN_SUFFIX)))
    sync_folder(path.parent)
    append_lines(folder.manifest, [asdict(entry) | {"closed_at": times.utc_text(times.now())}])
    index.keep_current(folder, entry.file)


def listed_files(folder: ArchiveFolder) -> set[str]:
    """Names of all files in the manifest."""
    return {line["file"] for line in read_lines(folder.manifest)}


def list_missing(folder: ArchiveFolder, site_id: str) -> list[str]:
    """List closed files of a site that a crash kept from the manifest; returns their names."""
    known = listed_files(folder)
    missing = [
        p for p in sorted(folder.warc(site_id).glob("*.warc.gz")) if folder.name_of(p) not in known
    ]
    for path in missing:
        entry = Entry(folder.name_of(path), path.stat().st_size, sha256_of(path), site_id, None)
        append_lines(folder.manifest, [asdict(entry) | {"closed_at": times.utc_text(times.now())}])
        index.keep_current(folder, entry.file)
    return [folder.name_of(path) for path in missing]
