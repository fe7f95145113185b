"""From what is wanted to a finished WACZ file: whole under its name, or not there at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from storage import files
from storage.archive import Archive
from storage.errors import ArchiveFault, NotFound, OutOfDisk, UsageError
from storage.query.access import Audience
from storage.warc.wacz.choose import Wanted, choose
from storage.warc.wacz.package import Package, Packed
from storage.warc.wacz.shelf import new_shelf
from storage.warc.writer import archive_fault

OnProgress = Callable[[int, int], None]
"""Captures done, and how many there are."""


def make_wacz(
    archive: Archive, wanted: Wanted, out: Path, on_progress: OnProgress | None = None
) -> Packed:
    """Write the captures that are wanted, and all that their pages need, into a new file.

    Raises UsageError (the name is taken or no `.wacz`, the folder is missing, `since` is no day),
    NotFound (nothing fits), OutOfDisk, ArchiveFault.
    """
    _check_name(out)
    with (
        archive.reading(Audience.PUBLIC) as connection,
        _new_file(out) as file,
        new_shelf(out.parent) as shelf,
    ):
        choose(archive, connection, wanted, shelf)
        total, done = len(shelf), 0

        def count() -> None:
            nonlocal done
            done += 1
            if on_progress is not None:
                on_progress(done, total)

        package = Package(file, _title(wanted), count)
        package.fill(archive, connection, shelf)
        if not package.packed.captures:
            raise NotFound("not one of the records can be read; `tinhuyen warc verify --all`")
        package.packed.bytes = file.tell()
        return package.packed


def _check_name(out: Path) -> None:
    if out.suffix != ".wacz":
        raise UsageError(f"{out} does not end in .wacz, by which readers know what it is")
    if out.exists():
        raise UsageError(f"{out} is there already; name a file that is not")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}")


def _title(wanted: Wanted) -> str:
    asked = {
        "site": wanted.site, "run": wanted.run, "since": wanted.since, "articles": wanted.articles
    }  # fmt: skip
    said = ", ".join(f"{name} {value}" for name, value in asked.items() if value is not None)
    return f"Tin Huyện: {said or 'the whole archive'}"


@contextmanager
def _new_file(out: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name when it is whole and synced; of a failure nothing stays."""
    unfinished = out.with_name(out.name + ".unfinished")
    try:
        with unfinished.open("w+b") as file:
            yield file
            file.flush()
            files.sync(file.fileno())
        files.rename(unfinished, out)
        files.sync_folder(out.parent)
    except OSError as error:
        raise archive_fault(error, f"cannot write {out}") from error
    except sqlite3.OperationalError as error:  # of the shelf beside it
        kind = OutOfDisk if "full" in str(error) else ArchiveFault
        raise kind(f"cannot write beside {out}: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
