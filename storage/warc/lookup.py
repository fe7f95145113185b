"""The lines of an address in one CDXJ file, found by halving: the file is sorted in C order."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from storage.urls import urlkey


def find_lines(path: Path, url: str) -> Iterator[str]:
    """The lines of an address's captures, oldest first, without line ends. Raises OSError."""
    wanted = f"{urlkey(url)} ".encode()
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
        at = _first(lines, wanted)
        while lines[at : at + len(wanted)] == wanted:
            end = lines.find(b"\n", at)
            yield lines[at : end if end >= 0 else len(lines)].decode("utf-8", "replace")
            at = end + 1 if end >= 0 else len(lines)


def _first(lines: mmap.mmap, wanted: bytes) -> int:
    """Where the first line stands that does not sort before `wanted`; the end if all do."""
    low, high = 0, len(lines)
    while low < high:
        start = lines.rfind(b"\n", 0, (low + high) // 2) + 1  # of the line in the middle
        end = lines.find(b"\n", start)
        following = end + 1 if end >= 0 else len(lines)
        if lines[start : start + len(wanted)] < wanted:
            low = following
        else:
            high = start
    return low
