"""Researchers' and operators' verbs of the `tinhuyen` command. Loads no crawler."""

from __future__ import annotations

import shutil
from typing import Annotated, Any

import typer

from storage.archive import Archive
from storage.copy.cli import copy
from storage.output import (
    console,
    escape,
    print_article,
    print_findings,
    print_json,
    print_notes,
    print_sightings,
    print_similar,
    print_status,
    print_table,
    print_unit,
)
from storage.places.lookup import find_units
from storage.places.shown import as_shown
from storage.query.runs import by_pattern
from storage.query.sql.cli import commands as sql_commands
from storage.query.sql.cli import reader as make_reader
from storage.store.objects import named_store

commands = typer.Typer()
runs = typer.Typer(
    help="Crawls that were made: what they kept, skipped and failed at.", no_args_is_help=True
)
commands.add_typer(runs, name="runs")
units = typer.Typer(help="Administrative units and what became of them.", no_args_is_help=True)
commands.add_typer(units, name="units")
database = typer.Typer(help="The archive's database.", no_args_is_help=True)
commands.add_typer(database, name="db")
commands.add_typer(sql_commands)
database.command("reader")(make_reader)
database.command("copy")(copy)

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]


def archive_of(context: typer.Context) -> Archive:
    """The archive that --archive and --database name."""
    archive: Archive = context.obj
    return archive


@commands.command()
def show(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="Its id, or a start of it that is unique.")],
    version: Annotated[
        int | None, typer.Option(help="Which version; the newest if not given.")
    ] = None,
    with_persons: Annotated[
        bool,
        typer.Option("--with-persons", help="Officials named in their posts (docs/ethics.md)."),
    ] = False,
    similar: Annotated[
        bool, typer.Option("--similar", help="Instead, articles that are nearly the same.")
    ] = False,
    json: Json = False,
) -> None:
    """Show an article with its date, its byline and its WARC record."""
    archive = archive_of(context)
    if similar:
        print_similar(archive.similar(article), json=json)
        return
    found = archive.article(article, version, with_persons=with_persons)
    if json:
        print_json([found])
        return
    print_article(found)
    print_sightings(archive.sightings(found["id"]))
    print_notes(archive.notes("article", found["id"]))
    if with_persons:
        rows = [(p["name"], p["post"], p["field"], p["start"]) for p in found["persons"]]
        print_table(("official", "post", "in", "at"), rows)


@commands.command("private-numbers")
def list_private_numbers(
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="Only articles of this site.")] = None,
    json: Json = False,
) -> None:
    """List where articles hold numbers that belong to persons; search never finds them."""
    found = archive_of(context).private_numbers(site)
    if json:
        print_json(found)
        return
    rows = [(n["article"], n["site"], n["kind"], n["field"], n["start"], n["end"]) for n in found]
    print_table(("article", "site", "kind", "in", "from", "to"), rows)


@units.command("show")
def show_units(
    unit: Annotated[str, typer.Argument(help='"huyện Bình Giang", "Đường An, Hải Phòng", 296.')],
    json: Json = False,
) -> None:
    """Show every unit of this name or code: where it lay, and what became of it."""
    found = [as_shown(one) for one in find_units(unit)]
    if json:
        print_json(found)
        return
    for one in found:
        print_unit(one)


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
    failed: Annotated[
        bool,
        typer.Option("--failed", help="Only skipped and failed addresses, counted by pattern."),
    ] = False,
    json: Json = False,
) -> None:
    """Show a run: its counts, and every address it skipped or failed at, with the reason."""
    archive = archive_of(context)
    found = archive.run(run)
    if failed:
        _print_patterns(by_pattern(found["failures"]), json=json)
        return
    notes = archive.notes("run", found["id"])
    if json:
        print_json([found | {"notes": [note.as_json() for note in notes]}])
        return
    console.print(escape(f"{found['id']}: {found['outcome'] or 'under way or stopped'}"))
    if found["reason"]:
        console.print(escape(f"  {found['reason']}"))
    print_counts(found["counts"])
    print_findings(found["findings"])
    print_notes(notes)
    rows = [
        ("skipped" if f["skipped"] else "failed", f["kind"], f["url"], f["message"])
        for f in found["failures"]
    ]
    if rows:
        print_table(("", "kind", "url", "why"), rows)


def _print_patterns(patterns: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        print_json(patterns)
        return
    rows = [
        (one["count"], "skipped" if one["skipped"] else "failed", one["kind"], one["pattern"])
        for one in patterns
    ]
    print_table(("addresses", "", "kind", "pattern"), rows)


@commands.command()
def status(context: typer.Context, json: Json = False) -> None:
    """Show the archive on one screen: each site's state, last good capture, and what is due."""
    archive = archive_of(context)
    found = archive.status()
    if json:
        print_json(found)
        return
    print_status(found)
    free = shutil.disk_usage(archive.folder.root).free
    console.print(f"{free / 1e9:,.1f} GB of disk left")
    store = named_store()
    if store is not None:
        from storage.store.ship import waiting

        left = waiting(archive.folder, store)
        size = sum(one.bytes for one in left) / 1e6
        said = f"{len(left)} finished file(s), {size:,.1f} MB, wait to be shipped"
        console.print(escape(f"store {store.url}: {said if left else 'all shipped'}"))


def print_counts(counts: dict[str, Any]) -> None:
    """What a run kept, in a few lines."""
    say = console.print
    say(f"  responses  {counts['captures']}  ({_tally(counts['by_status'])})")
    say(f"  pages      {counts['pages']}")
    say(f"  articles   {counts['articles']}, {counts['new_versions']} of them new or changed")
    if counts.get("gone"):
        say(f"  gone       {counts['gone']} article(s) that were there before")
    say(f"  images     {counts['images']}")
    say(f"  WARC       {counts['warc_bytes']:,} bytes of response records")
    if "read_again" in counts:
        say(f"  read again {counts['read_again']}, {counts['read_otherwise']} of them otherwise")
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


@database.command("upgrade")
def upgrade_database(context: typer.Context) -> None:
    """Bring an older archive's database up to date; everything in it stays. Crawls do this too."""
    from storage.database.work_queue import upgrade_queue

    engine = archive_of(context).open_for_writing()
    upgrade_queue(engine)  # procrastinate's migrations come with it, not with ours
    engine.dispose()
    console.print("The database is up to date.")
