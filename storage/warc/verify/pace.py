"""Reading at no more than so many bytes a second, so that a check leaves the disk to others."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import BinaryIO, cast


class Pace:
    """Shared by all files of a round."""

    def __init__(self, bytes_per_second: int | None) -> None:
        """None: as fast as the disk is."""
        self._rate = bytes_per_second
        self._free_at = time.monotonic()

    def open(self, path: Path) -> BinaryIO:
        """A file that is read at this pace. Raises OSError."""
        if self._rate is None:
            return path.open("rb")
        return cast(BinaryIO, io.BufferedReader(_PacedFile(path, self)))

    def spend(self, size: int) -> None:
        """Wait until these bytes may have been read."""
        assert self._rate is not None
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + size / self._rate
        time.sleep(max(0.0, self._free_at - now))


class _PacedFile(io.FileIO):
    def __init__(self, path: Path, pace: Pace) -> None:
        super().__init__(path, "rb")
        self._pace = pace

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = super().readinto(buffer) or 0
        self._pace.spend(size)
        return size

    def readall(self) -> bytes:
        data = super().readall()
        self._pace.spend(len(data))
        return data
