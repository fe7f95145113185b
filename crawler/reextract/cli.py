"""The verb `tinhuyen reextract`: every stored capture read again, with today's rules."""

from __future__ import annotations

import getpass
import json as json_
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit, UsageError
from storage.output import console, errors, escape, print_json, print_queued

if TYPE_CHECKING:
    from crawler.reextract.batches import Asked
    from crawler.reextract.tally import Tally
    from storage.archive import Archive

commands = typer.Typer()

_SHOWN_CHARS = 60


@commands.command()
def reextract(  # noqa: PLR0913, PLR0917 a command has the options that it has
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="Only of this site.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what was captured on this day or later: 2024-03-01.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Only pages of this family.")] = None,
    file: Annotated[
        str | None, typer.Option(help="Only of this WARC file: warc/demo/….warc.gz.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would change; keep nothing of it.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="What changed counts from now on; else it is proposed.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who accepts it; your login if not given.")] = None,
    queue: Annotated[
        bool,
        typer.Option("--queue", help="Leave it to the workers: a job for each WARC file here."),
    ] = False,
    json: Json = False,
) -> None:
    """Read every stored capture again with today's rules, and say what changed.

    What is read otherwise is proposed: articles stay as they are until it is accepted. Ends with 4
    if a record could not be read.
    """
    from crawler.reextract.batches import Asked
    from crawler.reextract.run import compare
    from crawler.reextract.run import reextract as read_again

    archive, asked = archive_of(context), Asked(site, since, family, file)
    who = _who(by, accept=accept, dry_run=dry_run)
    if queue:
        _queue(archive, asked, who, dry_run=dry_run)
        return
    with _progress() as say:
        found = list(
            compare(archive, asked, say) if dry_run else read_again(archive, asked, who, say)
        )
    _print_all(found, json=json)
    raise typer.Exit(Exit.INCOMPLETE if any(one.unreadable for one in found) else Exit.DONE)


def _print_all(found: list[Tally], *, json: bool) -> None:
    if json:
        print_json(tally.as_json() for tally in found)
    else:
        for tally in found:
            _print(tally)


def _who(by: str | None, *, accept: bool, dry_run: bool) -> str | None:
    """Who accepts what changed; None if nobody does."""
    if dry_run and accept:
        raise UsageError("--dry-run keeps nothing, so there is nothing to --accept")
    if by is not None and not accept:
        raise UsageError("--by says who accepts: it goes with --accept")
    who = (by or getpass.getuser()).strip() if accept else None
    if who == "":
        raise UsageError("to accept needs a name: --by")
    return who


def _queue(archive: Archive, asked: Asked, who: str | None, *, dry_run: bool) -> None:
    from crawler.reextract.batches import files_here, sites_of
    from crawler.schedule.commands import queue_commands

    if dry_run:
        raise UsageError("--dry-run says what would change, to you: it is not queued")
    asked.check()
    given = {"--since": asked.since, "--family": asked.family, "--by": who}
    options = [word for name, value in given.items() if value for word in (name, value)]
    options += ["--accept"] if who else []
    files = [
        (site, name)
        for site, name in files_here(archive, sites_of(archive, asked))
        if asked.file in (None, name)
    ]
    jobs = [(site, ["reextract", "--site", site, "--file", name, *options]) for site, name in files]
    print_queued(queue_commands(archive, jobs), len(jobs))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import Progress

    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


def _print(tally: Tally) -> None:
    found = tally.as_json()
    console.print(escape(f"{tally.site}: {tally.read} page(s) read again, {_verdict(tally)}"))
    for one in found["fields"]:
        console.print(escape(f"  {one['field']:<20}  {one['count']} page(s)"))
        for sample in one["samples"]:
            before, after = _beside(sample["before"], sample["after"])
            console.print(escape(f"    {sample['article']}  {before}"))
            console.print(escape(f"    {'':<{len(sample['article'])}}  {after}"))
    if tally.unreadable:
        console.print(f"  {tally.unreadable} could not be read: `tinhuyen runs show` names them")
    if tally.run is not None and tally.changed and not tally.accepted:
        console.print("Articles stay as they are; `tinhuyen reextract --accept` takes it over.")


def _verdict(tally: Tally) -> str:
    if not tally.changed:
        return "nothing changed"
    end = "accepted" if tally.accepted else "proposed" if tally.run else "nothing kept"
    return f"{tally.changed} otherwise: {end}"


def _beside(before: Any, after: Any) -> tuple[str, str]:
    """Both in a line each, from shortly before where they part."""
    one, other = map(_in_a_line, (before, after))
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    begin = max(0, same - _SHOWN_CHARS // 3)
    return _cut(one, begin), _cut(other, begin)


def _in_a_line(value: Any) -> str:
    if value in (None, []):
        return "(none)"
    return value if isinstance(value, str) else json_.dumps(value, ensure_ascii=False)


def _cut(text: str, begin: int) -> str:
    shown = text[begin : begin + _SHOWN_CHARS].replace("\n", " ")
    more = "…" if len(text) > begin + _SHOWN_CHARS else ""
    return f"{'…' if begin else ''}{shown}{more}"
