"""Reading at no more than so many bytes a second, so that a check leaves the disk to others."""

from __future__ import annotations

import io
import time
from typing import BinaryIO, cast

from storage.store.file import WarcFile


class Pace:
    """Shared by all files of a round."""

    def __init__(self, bytes_per_second: int | None) -> None:
        """None: as fast as the disk is."""
        self._rate = bytes_per_second
        self._free_at = time.monotonic()

    def open(self, path: WarcFile) -> BinaryIO:
        """A file that is read at this pace. Raises OSError."""
        if self._rate is None:
            return path.open("rb")
        return cast(BinaryIO, io.BufferedReader(_PacedFile(path.open("rb"), self)))

    def spend(self, size: int) -> None:
        """Wait until these bytes may have been read."""
        assert self._rate is not None
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + size / self._rate
        time.sleep(max(0.0, self._free_at - now))


class _PacedFile(io.RawIOBase):
    def __init__(self, file: BinaryIO, pace: Pace) -> None:
        self._file, self._pace = file, pace

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        self._pace.spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
