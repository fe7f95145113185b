"""Files of one JSON object a line, only ever appended to: the journal and the manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storage.folder import sync_folder


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line. A last line without its line break was torn by a crash: left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n") and line.strip():
                yield json.loads(line)


def append_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    """Append and fsync. A torn last line is ended first, so that it spoils no other.

    Several processes may append to one file: each call is one write. Raises OSError.
    """
    if not lines:
        return
    data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    existed = path.exists()
    with path.open("ab+") as file:
        if file.tell() and not _ends_with_break(file.fileno(), file.tell()):
            data = b"\n" + data
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if not existed:
        sync_folder(path.parent)


def _ends_with_break(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"
