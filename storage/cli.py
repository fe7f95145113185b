"""Researchers' and operators' verbs of the `tinhuyen` command. Loads no crawler."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from storage.archive import Archive
from storage.output import (
    console,
    escape,
    print_article,
    print_found,
    print_json,
    print_notes,
    print_table,
)

commands = typer.Typer()
runs = typer.Typer(
    help="Crawls that were made: what they kept, skipped and failed at.", no_args_is_help=True
)
commands.add_typer(runs, name="runs")

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]


def archive_of(context: typer.Context) -> Archive:
    """The archive that --archive and --database name."""
    archive: Archive = context.obj
    return archive


@commands.command()
def search(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(help='All must be there; "quoted" ones together.')
    ] = None,
    site: Annotated[str | None, typer.Option(help="Only articles of this site.")] = None,
    since: Annotated[str | None, typer.Option(help="First day of publication, 2022-01-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day of publication.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Find articles by words; without words the newest.

    With any Vietnamese mark the tones count (uỷ = ủy, but năm is not nam); without, none does.
    """
    found = archive_of(context).search(
        " ".join(words or []), site=site, since=since, until=until, limit=limit
    )
    if json:
        print_json(found)
    else:
        print_found(found)


@commands.command()
def show(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="Its id, or a start of it that is unique.")],
    version: Annotated[
        int | None, typer.Option(help="Which version; the newest if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Show an article with its date, its byline and its WARC record."""
    archive = archive_of(context)
    found = archive.article(article, version)
    if json:
        print_json([found])
        return
    print_article(found)
    print_notes(archive.notes("article", found["id"]))


@runs.command("list")
def list_runs(
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="Only runs of this site.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """List runs, newest first."""
    found = archive_of(context).runs(site, limit)
    if json:
        print_json(found)
        return
    print_table(
        ("run", "mode", "outcome", "captures", "articles", "images", "failed"),
        [_run_row(run) for run in found],
    )


def _run_row(run: dict[str, Any]) -> tuple[object, ...]:
    counts = run["counts"]
    failed = sum(counts["failed"].values())
    outcome = run["outcome"] or "under way or stopped"
    return (
        run["id"],
        run["mode"],
        outcome,
        counts["captures"],
        counts["articles"],
        counts["images"],
        failed,
    )


@runs.command("show")
def show_run(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Its id, or a start of it that is unique.")],
    json: Json = False,
) -> None:
    """Show a run: its counts, and every address it skipped or failed at, with the reason."""
    archive = archive_of(context)
    found = archive.run(run)
    notes = archive.notes("run", found["id"])
    if json:
        print_json([found | {"notes": [note.as_json() for note in notes]}])
        return
    console.print(escape(f"{found['id']}: {found['outcome'] or 'under way or stopped'}"))
    if found["reason"]:
        console.print(escape(f"  {found['reason']}"))
    print_counts(found["counts"])
    print_notes(notes)
    rows = [
        ("skipped" if f["skipped"] else "failed", f["kind"], f["url"], f["message"])
        for f in found["failures"]
    ]
    if rows:
        print_table(("", "kind", "url", "why"), rows)


def print_counts(counts: dict[str, Any]) -> None:
    """What a run kept, in a few lines."""
    say = console.print
    say(f"  responses  {counts['captures']}  ({_tally(counts['by_status'])})")
    say(f"  pages      {counts['pages']}")
    say(f"  articles   {counts['articles']}, {counts['new_versions']} of them new or changed")
    say(f"  images     {counts['images']}")
    say(f"  WARC       {counts['warc_bytes']:,} bytes of response records")
    if counts["skipped"]:
        say(f"  skipped    {_tally(counts['skipped'])}")
    if counts["failed"]:
        say(f"  failed     {_tally(counts['failed'])}")


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


@commands.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: one that the system chooses.")] = 0,
) -> None:
    """Serve the articles as web pages until Ctrl-C."""
    from storage.web.app import serve as serve_archive

    serve_archive(archive_of(context), host, port)
