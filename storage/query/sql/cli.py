"""`tinhuyen sql`, and `tinhuyen db reader` that PostgreSQL needs for it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from storage.archive import Archive
from storage.csv_cells import safe_cell
from storage.errors import UsageError
from storage.output import console, errors, escape, print_json, print_table
from storage.query.sql.door import Answer, Caps

commands = typer.Typer()


@commands.command()
def sql(
    context: typer.Context,
    statement: Annotated[
        str | None,
        typer.Argument(help="A SELECT over the views; read from standard input if not given."),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file that holds the SELECT.")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="CSV; text that a spreadsheet would run begins with '.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Answer a SELECT over the stable views; nothing can be changed, nothing else be read."""
    archive: Archive = context.obj
    caps = Caps.from_environment()
    answer = archive.sql(_statement(statement, file), caps)
    if json:
        print_json(answer)
    elif as_csv:
        _print_csv(answer)
    else:
        print_table(answer.columns, answer.rows)
    told = f"{len(answer):,} row(s) in {answer.seconds:.1f} s"
    if answer.cut is not None:
        told += f": only {answer.cut}"
    errors.print(escape(f"{told} (at most {caps.rows:,} rows and {caps.seconds:g} s)"))


def _statement(given: str | None, file: Path | None) -> str:
    if given is not None and file is not None:
        raise UsageError("give the SELECT or --file, not both")
    if given is not None:
        return given
    try:
        return file.read_text(encoding="utf-8") if file else sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the SELECT: {error}") from error


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in (answer.columns, *answer.rows):
        writer.writerow([safe_cell(cell) for cell in row])


def reader(context: typer.Context) -> None:
    """Make the PostgreSQL login that `tinhuyen sql` asks with: it may read the views only."""
    from storage.query.sql.reader import make_reader

    archive: Archive = context.obj
    if archive.is_embedded:
        raise UsageError("the folder's own database needs no login; name one with --database")
    engine = archive.open_for_writing()
    try:
        address = make_reader(engine)
    finally:
        engine.dispose()
    console.print(escape(f"TINHUYEN_SQL_DATABASE={address.render_as_string(hide_password=False)}"))
    errors.print("Set this for whoever may ask: `tinhuyen sql` asks with it.")
