"""Files of one JSON object a line, only ever appended to: the journal and the manifest."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage import files
from storage.store.file import WarcFile


def read_lines(path: WarcFile, naming: str = "") -> Iterator[dict[str, Any]]:
    """Every whole line (that names something, if asked): one object each.

    What a crash or a power loss left of a line is no JSON object and is left out: it was never
    acknowledged.
    """
    if isinstance(path, Path) and not path.exists():
        return
    wanted = naming.encode()
    with path.open("rb") as file:
        for line in file:
            found = _object(line) if wanted in line else None
            if found is not None:
                yield found


def _object(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def append_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    """Append and fsync. A torn last line is ended first, so that it spoils no other.

    Several processes may append to one file; they take turns. Raises OSError, and then none of
    the lines counts.
    """
    if not lines:
        return
    data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _append(handle, data)
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    files.make_folder(path.parent)
    try:
        handle = files.create(path)
    except FileExistsError:
        return files.open_existing(path)
    files.sync_folder(path.parent)
    return handle


def _append(handle: int, data: bytes) -> None:
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        data = b"\n" + data
    try:
        files.write(handle, data)
        files.sync(handle)
    except OSError:
        files.cut(handle, size)
        raise
