"""CDXJ: where the captures of a WARC file lie, sorted by address and time.

One line a capture: the address's sort key (SURT), 14 digits of time, and a JSON object. Lines
are sorted in C order (bytes), so that indexes can be merged and searched by halving.

An archive keeps one index a file under `cdx/`: made when the file is closed, whole or not at all,
so that processes that close files at the same time do not wait for each other.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.store.file import WarcFile
from storage.warc.cdxj import Lines
from storage.warc.verify.walk import RawRecord, walk

logger = logging.getLogger(__name__)


def index_file(path: WarcFile, name: str) -> list[str]:
    """The lines of a file, sorted, without line ends. `name` is what they call it.

    What is damaged is left out: `warc verify` says so. Raises OSError.
    """
    return list(_lines_of(path, name))


def _lines_of(path: WarcFile, name: str) -> Iterator[str]:
    with closing(Lines(name)) as made:
        for record in walk(path):
            if isinstance(record, RawRecord):
                made.note(record)
        yield from made.sorted()


def update(folder: ArchiveFolder, name: str) -> None:
    """Make a closed file's index anew. Raises OSError, NotFound."""
    write(folder, name, _lines_of(folder.file(name), name))


def write(folder: ArchiveFolder, name: str, lines: Iterable[str]) -> None:
    """Keep a file's sorted lines as its index, whole or not at all. Raises OSError."""
    path = index_of(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)
    unfinished.replace(path)


def update_all(folder: ArchiveFolder) -> list[str]:
    """Index closed files that have no index or an old one, and drop indexes of files that are gone.

    Files that are in the store only have an index here too; where it is missing they are read.
    Returns the names of the files indexed. Raises OSError.
    """
    names = {name for name in folder.all_names() if not name.endswith(OPEN_SUFFIX)}
    for path in (folder.root / "cdx").rglob("*.cdxj"):
        if path.relative_to(folder.root / "cdx").as_posix().removesuffix(".cdxj") not in names:
            path.unlink()
    old = sorted(name for name in names if not _is_current(folder, name))
    for name in old:
        update(folder, name)
    return old


def keep_current(folder: ArchiveFolder, name: str) -> None:
    """Index a file that was just closed. Raises: nothing; the index can be made at any time."""
    try:
        update(folder, name)
    except OSError:
        logger.exception("no index of %s; `tinhuyen warc index` makes it", name)


def lines_of(folder: ArchiveFolder, name: str) -> list[str]:
    """A file's lines, from its index or, where that is old or missing, from the file itself.

    Of a file that is not in this folder the index is taken as it is, without asking the store.
    Raises NotFound, OSError.
    """
    if not _is_current(folder, name):
        return index_file(folder.file(name), name)
    return index_of(folder, name).read_text(encoding="utf-8").splitlines()


def index_of(folder: ArchiveFolder, name: str) -> Path:
    """Where the index of a file lies."""
    return folder.root / "cdx" / f"{name}.cdxj"


def _is_current(folder: ArchiveFolder, name: str) -> bool:
    """Whether a file's index is there and not older than the file."""
    path, file = index_of(folder, name), folder.file_here(name)
    if file is None:  # what is in the store never changes; only its date there is younger
        return path.exists()
    return path.exists() and path.stat().st_mtime_ns >= file.stat().st_mtime_ns


def offsets(folder: ArchiveFolder, name: str) -> set[int] | None:
    """The offsets that a file's index names; None if it has no index, or one that is none."""
    path = index_of(folder, name)
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as lines:
        try:
            return {int(json.loads(line.split(" ", 2)[2])["offset"]) for line in lines}
        except (ValueError, IndexError, KeyError):
            return None


def as_json(line: str) -> dict[str, str]:
    """A line as one object."""
    key, stamp, fields = line.split(" ", 2)
    return {"urlkey": key, "timestamp": stamp, **json.loads(fields)}
