"""Which rows this process has begun with, so that the next can tell which of them ended it.

A file beside the site's WARC files. It outlives a killed process, which is all it is for; it is
not synced, since a power loss is no page's fault.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class HandedOut:
    """Ids of frontier rows, one a line, in a file that each crawl of the site begins anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".handed-out"
        self._handle: int | None = None

    def read(self) -> set[int]:
        """The ids that the last process left here."""
        if not self._path.exists():
            return set()
        return {int(line) for line in self._path.read_bytes().split(b"\n")[:-1] if line.isdigit()}

    def add(self, row_id: int) -> None:
        """From now on this row may be the one. Raises: nothing; on a full disk it is not noted."""
        with contextlib.suppress(OSError):
            if self._handle is None:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.write(self._handle, b"%d\n" % row_id)

    def clear(self) -> None:
        """Nothing that was handed out ended the process. Raises OSError."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._path.unlink(missing_ok=True)
