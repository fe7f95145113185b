"""A WARC file to read from, wherever it is: `Path` is one, and so is a file in the object store.

A file in the store is read by ranges. A record costs one request of moderate size; whoever goes on
where the last range ended reads ahead, further each time.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

FIRST_BYTES = 128 << 10
"""Of the first range: most records are smaller."""
MOST_BYTES = 2 << 20
"""Of a range, when a file is read through."""
_PIECE = 1 << 20

Fetch = Callable[[int, int], bytes]
"""The bytes from one offset up to another. Raises NotFound, StoreFault."""


class Stat(Protocol):
    """What is asked of a file."""

    @property
    def st_size(self) -> int:
        """Its bytes."""

    @property
    def st_mtime_ns(self) -> int:
        """When it changed; 0 if nobody knows."""


class WarcFile(Protocol):
    """A WARC file, here or in the store."""

    @property
    def name(self) -> str:
        """Without folders."""

    @property
    def suffix(self) -> str:
        """`.gz`, or `.open` while it is written."""

    def stat(self) -> Stat:
        """Its size. Raises OSError, NotFound."""

    def open(self, mode: Literal["rb"]) -> io.BufferedReader:
        """A stream that can be sought in. Raises OSError."""


OpenFile = Callable[[WarcFile], BinaryIO]


def open_binary(file: WarcFile) -> BinaryIO:
    """A file to read from. Raises OSError."""
    return file.open("rb")


def sha256_of(
    file: WarcFile,
    open_file: OpenFile = open_binary,
    advance: Callable[[int], object] = lambda size: None,
) -> str:
    """sha256 of a file's bytes, lower-case hex; `advance` is told of bytes. Raises OSError."""
    digest = hashlib.sha256()
    with open_file(file) as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            advance(len(piece))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class StoredStat:
    """What a store tells of a file."""

    st_size: int
    st_mtime_ns: int


class StoredFile:
    """A file in the store. Threads may share it."""

    def __init__(self, url: str, kept_as: str, stat: Stat, fetch: Fetch) -> None:
        """`kept_as`: what the archive calls it."""
        self._url, self.kept_as, self._stat, self._fetch = url, kept_as, stat, fetch
        self._ranges: tuple[tuple[int, bytes], ...] = ()
        self._ahead = FIRST_BYTES

    def __str__(self) -> str:
        return self._url

    @property
    def name(self) -> str:
        """Without folders."""
        return self.kept_as.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """Its ending."""
        return os.path.splitext(self.name)[1]  # noqa: PTH122 it is no path

    def stat(self) -> Stat:
        """Its size, as it was when it was found."""
        return self._stat

    def open(self, mode: Literal["rb"]) -> io.BufferedReader:
        """A stream that can be sought in; reading raises NotFound, StoreFault (an OSError)."""
        return io.BufferedReader(_Stream(self))

    def bytes_at(self, at: int) -> memoryview:
        """Some bytes from an offset on, not copied; empty at the end. Raises NotFound, StoreFault.

        The last two ranges are kept: a reader looks a little back at where a record begins.
        """
        ranges = self._ranges
        for start, data in ranges:
            if start <= at < start + len(data):
                return memoryview(data)[at - start :]
        if at >= self._stat.st_size:
            return memoryview(b"")
        goes_on = bool(ranges) and at == ranges[-1][0] + len(ranges[-1][1])
        ahead = min(2 * self._ahead, MOST_BYTES) if goes_on else FIRST_BYTES
        data = self._fetch(at, min(at + ahead, self._stat.st_size))
        self._ahead, self._ranges = ahead, (*ranges[-1:], (at, data))
        return memoryview(data)


class _Stream(io.RawIOBase):
    def __init__(self, file: StoredFile) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        from_ = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.stat().st_size}
        self._at = max(0, from_[whence] + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.bytes_at(self._at)[: len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
