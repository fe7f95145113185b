"""`tinhuyen import`: other people's files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit, UsageError
from storage.output import console, errors, escape, print_found_by, print_json, print_queued

if TYPE_CHECKING:
    from crawler.acquire.keep import Advance
    from crawler.acquire.run import Imported
    from crawler.acquire.sources import Source
    from storage.archive import Archive

commands = typer.Typer()


@commands.command("import")
def import_(
    paths: Annotated[
        list[str],
        typer.Argument(help="WARC, ARC, WACZ, saved pages, or folders of them; also s3://BUCKET/…"),
    ],
    context: typer.Context,
    donor: Annotated[
        str | None, typer.Option(help="Who gave them; asked for if not given.")
    ] = None,
    terms: Annotated[
        str | None,
        typer.Option(help="On what terms (a licence, a letter); asked for if not given."),
    ] = None,
    read_as: Annotated[
        str | None,
        typer.Option(
            help="Also read hosts that no site declares: by a family, or auto to recognise it."
        ),
    ] = None,
    queue: Annotated[
        bool,
        typer.Option("--queue", help="Leave it to the workers: a job for each WARC, ARC or WACZ."),
    ] = False,
    json: Json = False,
) -> None:
    """Take in other people's captures: kept as they are, indexed, and read like our own.

    Begun again after a stop it goes on; the same file twice changes nothing. Ends with 4 if
    something could not be read.
    """
    from crawler.acquire.sources import find_sources

    sources = find_sources(paths)
    told = {"donor": _told("Who gave them", donor), "terms": _told("On what terms", terms)}
    if queue:
        _queue(archive_of(context), paths, read_as, **told)
        return
    done = _import(archive_of(context), sources, read_as, **told)
    if json:
        print_json([done.as_json()])
    else:
        _print(done.counts, done.findings, done.run, len(done.files))
    raise typer.Exit(done.exit_code)


def _import(
    archive: Archive, sources: Sequence[Source], read_as: str | None, donor: str, terms: str
) -> Imported:  # fmt: skip
    from crawler.acquire.run import import_files

    try:
        with _progress(sources) as advance:
            return import_files(
                archive, sources, donor=donor, terms=terms, read_as=read_as, advance=advance
            )
    except KeyboardInterrupt:
        errors.print("stopped; what is done is kept, and the same command goes on")
        raise typer.Exit(Exit.FAILED) from None


def _queue(
    archive: Archive, paths: Sequence[str], read_as: str | None, donor: str, terms: str
) -> None:  # fmt: skip
    from crawler.acquire.recognise import check_family
    from crawler.acquire.sources import find_jobs
    from crawler.schedule.commands import queue_commands
    from storage.database.donations import IMPORTS

    check_family(read_as)
    options = ["--donor", donor, "--terms", terms, *(["--read-as", read_as] if read_as else [])]
    jobs = [(IMPORTS, ["import", path, *options]) for path in find_jobs(paths)]
    print_queued(queue_commands(archive, jobs), len(jobs))


def _told(what: str, value: str | None) -> str:
    if value is None and sys.stdin.isatty():
        value = typer.prompt(what)
    if not value or not value.strip():
        raise UsageError("say who gave the files and on what terms: --donor and --terms")
    return value.strip()


@contextmanager
def _progress(sources: Sequence[Source]) -> Iterator[Advance]:
    """A bar with bytes and rate, where people look on. Each file is read twice: kept, taken in."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn("import"), *columns, console=errors, transient=True,
        disable=not errors.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("import", total=2 * sum(one.path.stat().st_size for one in sources))
        yield lambda done: bar.advance(task, done)


def _print(counts: dict[str, Any], findings: list[dict[str, Any]], run: str, files: int) -> None:
    console.print(
        escape(
            f"{run}: {files} file(s), {counts['captures']} captures, {counts['articles']} articles"
        )
    )
    print_found_by(findings, run)
