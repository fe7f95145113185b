"""The few operations on files that "kept" rests on, in one place.

Every byte that is the truth (WARC files, journal, manifest) is written, synced, cut and renamed
here and nowhere else, so that the power-loss test can record what was done and lose what had not
been made to last (tests/torture/power.py). Callers use `files.write(…)`, never `from … import`.
All of them raise OSError.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_PIECE = 1 << 20


def create(path: Path) -> int:
    """A handle of a new file, for appending. Its name lasts only after `sync_folder`."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)


def open_existing(path: Path) -> int:
    """A handle of a file that is there, for appending."""
    return os.open(path, os.O_RDWR | os.O_APPEND)


def write(handle: int, data: bytes) -> None:
    """Append all of it. After an error some of it may stand in the file."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def cut(handle: int, size: int) -> None:
    """Cut a file back to so many bytes."""
    os.ftruncate(handle, size)


def sync(handle: int) -> None:
    """Make a file's bytes and length last.

    After an error nothing is known of what was written since the last success, and asking again
    proves nothing: the kernel has forgotten the error (fsync(2), NOTES).
    """
    os.fdatasync(handle)


def copy(source: BinaryIO, path: Path) -> None:
    """All that a stream gives, in a new file. Its bytes last; its name only after `sync_folder`."""
    handle = create(path)
    try:
        while piece := source.read(_PIECE):
            write(handle, piece)
        sync(handle)
    finally:
        os.close(handle)


def rename(old: Path, new: Path) -> None:
    """Another name for a file. It lasts only after `sync_folder`."""
    old.rename(new)


def remove(path: Path) -> None:
    """Take a file's name away."""
    path.unlink()


def sync_folder(path: Path) -> None:
    """Make new names, renames and removals in this folder last."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def add_folder(path: Path) -> None:
    """A new folder. Its name lasts only after `sync_folder`."""
    path.mkdir(exist_ok=True)


def make_folder(path: Path) -> None:
    """A folder, and those above it; each new one lasts."""
    if path.is_dir():
        return
    make_folder(path.parent)
    add_folder(path)
    sync_folder(path.parent)
