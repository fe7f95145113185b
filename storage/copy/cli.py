"""`tinhuyen db copy`: an archive's rows, from one database into another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine

from storage import files
from storage.copy.archive import Compared, CopyDiffers, copy_archive
from storage.database.connect import open_database, open_for_reading
from storage.errors import NotFound
from storage.folder import ArchiveFolder
from storage.output import console, escape, print_json, print_table


def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="An archive's folder, or postgresql+psycopg://…")
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="TO", help="The same: a folder without archive.db, or an empty database."
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Copy an archive's rows from one database into another, and prove that they are equal.

    WARC files and the journal stay where they are. Nothing of a folder that is named may be crawled
    meanwhile. Ends with 6 if the copy differs: then nothing of it was kept.
    """
    try:
        with _locked(source, target), _engines(source, target) as (there, here):
            compared = copy_archive(there, here)
    except CopyDiffers as differs:
        _show(differs.compared, json=json)
        raise
    _show(compared, json=json)
    if not json:
        rows = sum(one.rows for one in compared if one.kind == "table")
        console.print(
            f"{rows:,} rows copied; every table and view is equal. {escape(_next_step(target))}"
        )


@contextmanager
def _locked(source: str, target: str) -> Iterator[None]:
    """The folders that are named: a crawl would write what is not copied, or beside the copy."""
    folders = {one.root: one for one in map(_folder, (source, target)) if one is not None}
    with ExitStack() as stack:
        for _, folder in sorted(folders.items()):  # in one order, or two copies refuse each other
            stack.enter_context(folder.whole_lock())
        yield


@contextmanager
def _engines(source: str, target: str) -> Iterator[tuple[Engine, Engine]]:
    folder = _folder(source)
    if folder is not None and not (folder.root / "archive.db").exists():
        raise NotFound(f"{folder.root} holds no archive.db; name an archive's folder or a database")
    there = open_for_reading(_address(source))
    try:
        here = _open_target(target)
        try:
            yield there, here
        finally:
            here.dispose()
    finally:
        there.dispose()


def _open_target(target: str) -> Engine:
    """An older schema is no empty database: it is refused, and left as it is."""
    if folder := _folder(target):
        files.make_folder(folder.root)
    with suppress(NotFound):
        open_for_reading(_address(target)).dispose()
    return open_database(_address(target))


def _folder(word: str) -> ArchiveFolder | None:
    return None if "://" in word else ArchiveFolder(Path(word).absolute())


def _address(word: str) -> str:
    folder = _folder(word)
    return word if folder is None else folder.database_url


def _next_step(target: str) -> str:
    if _folder(target) is None:
        return "From now on set TINHUYEN_DATABASE to it (docs/operators.md)."
    return "From now on leave TINHUYEN_DATABASE unset (docs/operators.md)."


def _show(compared: list[Compared], *, json: bool) -> None:
    if json:
        print_json(one.as_json() for one in compared)
        return
    rows = [
        (one.name, one.kind, f"{one.rows:,}", one.digest[:16], "equal" if one.equal else "DIFFERS")
        for one in compared
    ]
    print_table(("name", "kind", "rows", "digest", "copy"), rows)
