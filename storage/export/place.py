"""Where an export is written: under another name until it is whole, and lasts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage import files
from storage.errors import UsageError


@contextmanager
def new_file(out: Path) -> Iterator[Path]:
    """A path to write a file at, which is `out` once the block ends well.

    What a killed process left there is written over. Raises UsageError if `out` is there already,
    OSError.
    """
    unfinished = _unfinished(out)
    yield unfinished
    _sync(unfinished)
    _finish(unfinished, out)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """An empty folder to fill, which is `out` once the block ends well; the rest as `new_file`."""
    unfinished = _unfinished(out)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    yield unfinished
    for path in unfinished.rglob("*"):
        if path.is_dir():
            files.sync_folder(path)
        else:
            _sync(path)
    files.sync_folder(unfinished)
    _finish(unfinished, out)


def _unfinished(out: Path) -> Path:
    if out.exists():
        raise UsageError(f"{out} is there already; name a place that is free")
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_name(f"{out.name}.unfinished")


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        files.sync(written.fileno())


def _finish(unfinished: Path, out: Path) -> None:
    files.rename(unfinished, out)
    files.sync_folder(out.parent)
