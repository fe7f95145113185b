"""`tinhuyen rescue`: what public web archives caught of a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit
from storage.output import console, errors, escape, print_found_by, print_json, print_queued

if TYPE_CHECKING:
    from crawler.acquire.rescue.estimate import Estimate
    from crawler.acquire.rescue.run import Rescued, Watch
    from storage.archive import Archive

commands = typer.Typer()


@commands.command()
def rescue(  # noqa: PLR0913, PLR0917 a command has the options that it has
    site: Annotated[str, typer.Argument(help="The site's id.")],
    context: typer.Context,
    from_: Annotated[str, typer.Option("--from", help="commoncrawl or wayback.")],
    since: Annotated[
        str | None, typer.Option(help="Only what was captured on this day or later: 2024-03-01.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only what was captured on this day or earlier.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="At most so many captures this time; 0: only ask the index."),
    ] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Leave it to the workers.")] = False,
    json: Json = False,
) -> None:
    """Fetch what a public web archive caught of a site, kept as it was served.

    First the index is asked, and what there is to fetch is said. What is held is not fetched
    again; after a stop the same command goes on. Ends with 4 if a capture did not come, 5 if the
    archive turns us away.
    """
    from crawler.acquire.rescue.archives import public_archive
    from crawler.acquire.rescue.listing import Span
    from crawler.acquire.rescue.run import check_hosts
    from crawler.acquire.rescue.run import rescue as rescue_site
    from crawler.sites import find_site, load_sites

    archive, public = archive_of(context), public_archive(from_)
    found = find_site(load_sites(archive.folder.sites), site)
    span = Span(since, until)
    span.bounds()
    check_hosts(found)
    if queue:
        _queue(archive, site, from_, {"--since": since, "--until": until, "--limit": limit})
        return
    try:
        with _watched(public.name, limit, json=json) as watch:
            done = rescue_site(archive, found, public, span, limit=limit, watch=watch)
    except KeyboardInterrupt:
        errors.print("stopped; what came is kept, and the same command goes on")
        raise typer.Exit(Exit.FAILED) from None
    _print(done, json=json)
    raise typer.Exit(done.exit_code)


def _queue(archive: Archive, site: str, from_: str, given: dict[str, str | int | None]) -> None:
    from crawler.schedule.commands import queue_commands

    bounds = [f"{name}={value}" for name, value in given.items() if value is not None]
    words = ["rescue", site, "--from", from_, *bounds]
    print_queued(queue_commands(archive, [(site, words)]), 1)


@contextmanager
def _watched(archive: str, limit: int | None, *, json: bool) -> Iterator[Watch]:
    """The estimate on standard output, and a bar where people look on."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from crawler.acquire.rescue.run import Watch

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[kb]} kB"),
    )
    with Progress(
        TextColumn("{task.description}"), *columns, console=errors, transient=True,
        disable=not errors.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task(f"index of {archive}", total=None, kb=0)
        came = [0]

        def indexed(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        def estimated(estimate: Estimate) -> None:
            total = estimate.to_fetch if limit is None else min(limit, estimate.to_fetch)
            bar.reset(task, total=total, description=archive)
            if not json:
                console.print(escape(in_words(estimate)))

        def fetched(size: int) -> None:
            came[0] += size
            bar.update(task, advance=1, kb=came[0] // 1000)

        yield Watch(indexed, estimated, fetched, lambda why: errors.print(escape(why)))


def in_words(estimate: Estimate) -> str:
    """What there is, of when, and what fetching it comes to."""
    if estimate.first is None or estimate.last is None:
        return f"{estimate.archive} lists nothing of {', '.join(estimate.hosts)}"
    days = [f"{one[:4]}-{one[4:6]}-{one[6:8]}" for one in (estimate.first, estimate.last)]
    span = " to ".join(dict.fromkeys(days))
    return (
        f"{estimate.archive}: {estimate.listed} capture(s) of {span}, {estimate.held} held; "
        f"{estimate.to_fetch} to fetch, about {_size(estimate.bytes)}, "
        f"{_time(estimate.seconds)} at least"
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _time(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _print(done: Rescued, *, json: bool) -> None:
    if json:
        print_json([done.as_json()])
        return
    if done.run is None:  # what the index lists is said already
        return
    counts = done.counts
    left = f"; {done.left} left by --limit: the same command goes on" if done.left else ""
    console.print(
        escape(f"{done.run}: {counts['captures']} captures, {counts['articles']} articles{left}")
    )
    print_found_by(done.findings, done.run)
