"""`tinhuyen warc ship` and `warc fetch`: finished files to the store, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit, UsageError
from storage.output import console, escape, print_json

commands = typer.Typer()


@commands.command()
def ship(
    context: typer.Context,
    keep_local: Annotated[
        bool, typer.Option("--keep-local", help="Copy: what is here stays here too.")
    ] = False,
    json: Json = False,
) -> None:
    """Move finished WARC files to the store that TINHUYEN_STORE names.

    A file goes from here only when all of it was read back from there and its sha256 is the one
    that the manifest lists. Run again, it goes on. Ends with 6 if a file cannot be shipped whole.
    """
    from storage.store.objects import VARIABLE, named_store
    from storage.store.ship import ship as ship_files

    store = named_store()
    if store is None:
        raise UsageError(f"{VARIABLE} names no store; set it to s3://BUCKET/PREFIX, say")
    files = size = damaged = 0
    for one in ship_files(archive_of(context).folder, store, keep_local=keep_local):
        damaged += one.why is not None
        if one.is_there:
            files, size = files + 1, size + one.bytes
        if json:
            print_json([asdict(one)])
        else:
            here = ", and stays here" if one.is_here else ""
            console.print(escape(f"{one.file}: {one.why or one.what + here}"))
    if not json:
        said = f"{files} file(s), {size / 1e6:,.1f} MB, shipped to {store.url}"
        console.print(escape(said + (f"; {damaged} NOT" if damaged else "")))
    raise typer.Exit(Exit.VERIFICATION_FAILED if damaged else Exit.DONE)


@commands.command()
def fetch(
    context: typer.Context,
    file: Annotated[list[str], typer.Argument(help="Names as the archive gives them.")],
) -> None:
    """Copy files back from the store, for programs that read this folder alone (pywb)."""
    from storage.store.ship import fetch as fetch_file

    folder = archive_of(context).folder
    for name in file:
        console.print(escape(f"{fetch_file(folder, name).relative_to(folder.root)}: here"))
