"""`tinhuyen warc …`: operators' verbs over WARC files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit, UsageError
from storage.output import console, escape, print_json, print_table

if TYPE_CHECKING:
    from storage.warc.verify.bench import Verdict

warc = typer.Typer(help="WARC files: verify, index, look into, list.", no_args_is_help=True)

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?(?:/s)?", re.IGNORECASE)


def read_size(text: str) -> int:
    """Bytes that `10GB`, `200 MB/s` or `4096` name; units are powers of ten. Raises UsageError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"{text!r} is no size; write it like 10GB, 200MB or 4096")
    return int(float(found[1]) * _UNITS[found[2].upper()])


@warc.command()
def verify(
    context: typer.Context,
    file: Annotated[
        list[str] | None, typer.Argument(help="Paths, or names as the archive gives them.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Every file of the archive; goes on where such a round was stopped."
        ),
    ] = False,
    oldest: Annotated[
        str | None,
        typer.Option(help="So much of the archive (10GB), longest unverified first."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="A copy of the archive's folder to compare files with.")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="Read at most so much a second: 20MB.")] = None,
    json: Json = False,
) -> None:
    """Say what is wrong with WARC files, where, what it means and what to do.

    Two independent readers must see what we see. Ends with 6 if there is an error; findings
    stray from the specification, nothing is lost by them.
    """
    from storage.warc.verify.pace import Pace
    from storage.warc.verify.round import Round

    if sum((bool(file), everything, oldest is not None)) != 1:
        raise UsageError("give files, or --all, or --oldest SIZE")
    if against is not None and not against.is_dir():
        raise UsageError(f"{against} is no folder; --against wants a copy of the archive's folder")
    round_ = Round(archive_of(context), against, Pace(read_size(rate) if rate else None))
    if file:
        verdicts = round_.named(file)
    else:
        verdicts = round_.oldest(read_size(oldest)) if oldest else round_.everything()
    raise typer.Exit(_say(verdicts, json=json))


def _say(verdicts: Iterable[Verdict], *, json: bool) -> Exit:
    """Print verdicts as they come."""
    from storage.warc.verify import report

    files = errors = skipped = 0
    for verdict in verdicts:
        files, skipped = files + (verdict.skipped is None), skipped + (verdict.skipped is not None)
        errors += verdict.errors
        if json:
            print_json([verdict.as_json()])
        else:
            console.print(escape("\n".join(report.lines(verdict))))
    if not json:
        console.print(report.summary(files, errors, skipped))
    return Exit.VERIFICATION_FAILED if errors else Exit.DONE


@warc.command()
def index(
    context: typer.Context,
    file: Annotated[
        list[Path] | None, typer.Argument(help="Print the index of these files instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Bring the archive's CDXJ indexes up to date, or print the index of files.

    The lines are sorted in C order; those of the archive lie under cdx/, a file for each WARC file.
    """
    from heapq import merge

    from storage.warc import index as cdxj

    if file:
        lines = list(merge(*(cdxj.index_file(path, path.name) for path in file), key=str.encode))
        print_json(map(cdxj.as_json, lines)) if json else print("\n".join(lines))
        return
    done = cdxj.update_all(archive_of(context).folder)
    if json:
        print_json({"file": name} for name in done)
    else:
        console.print(
            escape("".join(f"{name}\n" for name in done) + f"{len(done)} file(s) indexed")
        )


@warc.command()
def show(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A path, or a name as the archive gives it.")],
    offset: Annotated[int, typer.Argument(min=0, help="Byte at which the record begins.")],
    lines: Annotated[int, typer.Option(min=0, help="So many lines of the body.")] = 20,
    json: Json = False,
) -> None:
    """Look into a record: its headers, whether its digests hold, its body, its rows."""
    from storage.warc import inspect

    told = inspect.describe_record(archive_of(context), file, offset)
    if json:
        print_json([told])
    else:
        console.print(escape("\n".join(inspect.lines(told, lines))))


@warc.command()
def locate(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="An article's id, an address, a sha256, a payload digest, a record id."
        ),
    ],
    json: Json = False,
) -> None:
    """Say in which records something lies: file and offset, as `warc show` takes them."""
    from storage.query import records

    with archive_of(context).reading() as tx:
        found = records.locate(tx, what)
    if json:
        print_json(found)
        return
    columns = ("file", "offset", "what", "type", "status", "fetched_at", "url")
    print_table(columns, ([one[name] for name in columns] for one in found))
