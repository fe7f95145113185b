"""The `tinhuyen` command: archivists' verbs here, the others from storage.cli.

Scrapy is imported only where a crawl begins.
"""

from __future__ import annotations

import json as json_
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crawler.access_cli import access, takedown
from crawler.acquire.cli import commands as import_commands
from crawler.acquire.rescue.cli import commands as rescue_commands
from crawler.attachments.cli import commands as attachment_commands
from crawler.coverage.cli import commands as coverage_commands
from crawler.notes_cli import commands as note_commands
from crawler.reextract.cli import commands as reextract_commands
from crawler.schedule.cli import commands as schedule_commands
from crawler.state_cli import print_states, state
from storage import logs
from storage.archive import Archive
from storage.cite.cli import commands as cite_commands
from storage.cli import Json, archive_of, print_counts
from storage.cli import commands as storage_commands
from storage.errors import Exit, TinHuyenError, UsageError, gravest
from storage.export.cli import commands as export_commands
from storage.output import (
    console,
    errors,
    escape,
    print_article,
    print_json,
    print_notes,
    print_table,
)
from storage.query.cli import commands as query_commands
from storage.query.stats_cli import commands as stats_commands
from storage.query.versions_cli import commands as version_commands
from storage.replay.cli import commands as replay_commands
from storage.store.cli import commands as store_commands
from storage.warc.cli import warc
from storage.warc.wacz.cli import commands as wacz_commands
from storage.watch.cli import commands as watch_commands

if TYPE_CHECKING:
    from crawler.sites import Site

app = typer.Typer(
    help="An archive of Vietnamese district news.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for mounted in (
    query_commands,
    version_commands,
    stats_commands,
    storage_commands,
    schedule_commands,
    note_commands,
    coverage_commands,
    reextract_commands,
    watch_commands,
    attachment_commands,
    wacz_commands,
    replay_commands,
    import_commands,
    rescue_commands,
):
    app.add_typer(mounted)
app.add_typer(cite_commands)
app.add_typer(export_commands)
warc.add_typer(store_commands)
app.add_typer(warc, name="warc")
app.add_typer(access, name="access")
app.add_typer(takedown, name="takedown")
sites = typer.Typer(help="Declared portals.", no_args_is_help=True)
app.add_typer(sites, name="sites")
sites.command("state")(state)
normalise = typer.Typer(help="See why a date or a title is read as it is.", no_args_is_help=True)
app.add_typer(normalise, name="normalise")

Lines = Annotated[
    Path | None, typer.Argument(help="A text file, one a line; standard input if not given.")
]


@app.callback()
def options(
    context: typer.Context,
    archive: Annotated[
        Path | None,
        typer.Option(
            help="The archive's folder (env TINHUYEN_ARCHIVE; ./archive if neither is given)."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            help="postgresql+psycopg://… instead of the folder's own (env TINHUYEN_DATABASE)."
        ),
    ] = None,
) -> None:
    """Options for every verb; they come before it."""
    context.obj = Archive(archive, database)


@app.command()
def crawl(
    context: typer.Context,
    site: Annotated[
        list[str], typer.Argument(help="Ids of sites; `tinhuyen sites list` shows them.")
    ],
    mode: Annotated[
        str, typer.Option(help="full: everything; update: lists until known ground.")
    ] = "full",
    last_chance: Annotated[
        bool,
        typer.Option(
            "--last-chance",
            help="The site is dying: articles and their images first, nothing that is kept.",
        ),
    ] = False,
    max_requests: Annotated[
        int | None, typer.Option(min=1, help="End after so many; the same command goes on.")
    ] = None,
    max_hours: Annotated[
        float | None, typer.Option(min=0.001, help="End after so long; the same command goes on.")
    ] = None,
    json: Json = False,
) -> None:
    """Crawl sites, or go on where a crawl of them was stopped."""
    from crawler.run import Budget, crawl_sites
    from storage.database.runs import LAST_CHANCE

    if last_chance and mode != "full":
        raise UsageError("--last-chance is a mode of its own; leave --mode out")
    budget = Budget(max_requests, max_hours and max_hours * 3600)
    mode = LAST_CHANCE if last_chance else mode
    results = crawl_sites(archive_of(context), site, mode, budget)
    if json:
        print_json(result.as_json() for result in results)
    else:
        for result in results:
            run = f" (run {result.run})" if result.run else ""
            console.print(escape(f"{result.site}: {result.outcome}{run}"))
            if result.counts:
                print_counts(result.counts)
    for result in results:
        if result.message:
            logs.complain(result.message)
    raise typer.Exit(gravest([result.exit_code for result in results]))


@app.command()
def recover(
    context: typer.Context,
    site: Annotated[
        list[str] | None, typer.Argument(help="Ids of sites; all if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Make the archive whole after a crash. Crawls do this by themselves when they begin."""
    from crawler.run import recover_sites

    results = recover_sites(archive_of(context), site or [])
    if json:
        print_json(results)
        return
    for result in results:
        console.print(escape(f"{result['site']}: {result['message']}"))
    if not results:
        console.print("Nothing to recover.")


@app.command()
def rebuild(context: typer.Context, json: Json = False) -> None:
    """Make the database anew from WARC files, manifest and journal.

    The old one is kept beside it as archive.db.before-rebuild. With --database, name an empty
    PostgreSQL database to be filled.
    """
    from dataclasses import asdict

    from crawler.rebuild import rebuild as rebuild_archive

    with console.status("") as status:
        done = rebuild_archive(archive_of(context), lambda what: status.update(escape(what)))
    if json:
        print_json([asdict(done)])
    else:
        console.print(
            f"Rebuilt from {done.files} WARC file(s): {done.captures} captures, {done.articles} "
            f"articles, {done.runs} runs of {done.sites} site(s)."
        )
        if done.unknown_lines:
            console.print(f"{done.unknown_lines} line(s) of the journal are of unknown kinds.")
    for damage in done.damaged:
        errors.print(escape(damage))
    if done.damaged:
        raise typer.Exit(Exit.VERIFICATION_FAILED)


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="A saved page.")],
    context: typer.Context,
    url: Annotated[str, typer.Option(help="The address it was saved from.")],
    fetched_at: Annotated[str, typer.Option(help="When: 2024-03-01T10:00:00+07:00.")],
    site: Annotated[str | None, typer.Option(help="The declared site that it belongs to.")] = None,
    family: Annotated[str | None, typer.Option(help="Or the family to read it by.")] = None,
    json: Json = False,
) -> None:
    """Print what would be stored of one saved page."""
    from crawler.saved import read_saved

    article = read_saved(archive_of(context), file, url, fetched_at, site, family)
    if json:
        print_json([article])
    else:
        print_article(article)


@normalise.command("dates")
def normalise_dates(
    file: Lines = None,
    fetched_at: Annotated[
        str | None,
        typer.Option(
            help="Relative forms count from here: 2024-03-01T10:00:00+07:00 [default: now]."
        ),
    ] = None,
    order: Annotated[str, typer.Option(help="Of numeric dates: DMY or MDY.")] = "DMY",
) -> None:
    """Read every line as a printed date; one JSON object a line says what was read and why."""
    from crawler.explain import explain_dates

    print_json(explain_dates(_lines(file), fetched_at, order))


@normalise.command("titles")
def normalise_titles(
    file: Lines = None,
    site_name: Annotated[
        list[str] | None, typer.Option(help="A name to take off a title's end; may be repeated.")
    ] = None,
) -> None:
    """Clean every line as a title; one JSON object a line says what was mended."""
    from crawler.explain import explain_titles

    print_json(explain_titles(_lines(file), site_name or []))


def _lines(file: Path | None) -> Iterator[str]:
    """The lines of a file, or of standard input; what is no UTF-8 is shown as such."""
    try:
        data = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    yield from data.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()


@app.command()
def check(
    article: Annotated[str, typer.Argument(help="Its id, or a start of it that is unique.")],
    context: typer.Context,
    version: Annotated[
        int | None, typer.Option(help="Which version; the newest if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Read an article's record again and say, field by field, whether its row follows from it.

    Ends with 6 if it does not, or if the record is damaged.
    """
    from crawler.check import check_article

    done = check_article(archive_of(context), article, version)
    if json:
        print_json([done.as_json()])
    else:
        console.print(escape("\n".join(done.lines())))
    raise typer.Exit(Exit.DONE if done.follows else Exit.VERIFICATION_FAILED)


@app.command()
def demo(
    context: typer.Context,
    serve: Annotated[
        bool, typer.Option(help="Serve the articles afterwards, until Ctrl-C.")
    ] = True,
) -> None:
    """Crawl the sample portal that comes with the package, and show what was kept."""
    from crawler.demo.show import show_demo

    show_demo(archive_of(context), serve=serve)


@sites.command("list")
def list_sites(context: typer.Context, json: Json = False) -> None:
    """List declared sites."""
    from crawler.sites import load_sites

    archive = archive_of(context)
    decided = {one.site: one for one in (archive.states() if archive.exists else [])}
    declared = load_sites(archive.folder.sites).values()
    found = [
        replace(site, state=decided[site.id].state) if site.id in decided else site
        for site in declared
    ]
    if json:
        print_json(_as_json(site) for site in found)
        return
    rows = [
        (s.id, s.name, s.organ, s.district, s.province, s.state, "yes" if s.listings else "no")
        for s in found
    ]
    print_table(("site", "name", "organ", "district", "province", "state", "address"), rows)


@sites.command("show")
def show_site(
    context: typer.Context,
    site: Annotated[str, typer.Argument(help="Its id.")],
    json: Json = False,
) -> None:
    """Show a site's declaration, what was decided since, and what people noted."""
    from crawler.sites import find_site, load_sites

    archive = archive_of(context)
    found = _as_json(find_site(load_sites(archive.folder.sites), site))
    notes = archive.notes("site", site) if archive.exists else []
    decided = archive.states(site) if archive.exists else []
    if json:
        states = [one.as_json() for one in decided]
        print_json([found | {"states": states, "notes": [note.as_json() for note in notes]}])
        return
    for name, value in found.items():
        shown = value if isinstance(value, str) else json_.dumps(value, ensure_ascii=False)
        if value not in (None, [], ""):
            console.print(escape(f"{name:<15}  {shown}"))
    print_states(decided)
    print_notes(notes)


def _as_json(site: Site) -> dict[str, Any]:
    from dataclasses import asdict

    values = asdict(site)
    layouts = [
        {"family": one.family, "until": str(one.until) if one.until else None, "path": one.path}
        for one in site.layouts
    ]
    return values | {"layouts": layouts, "family": site.layouts[-1].family}


def main() -> None:
    """The command's entry: our errors become one sentence and an exit code."""
    try:
        app()
    except TinHuyenError as error:
        logs.complain(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `tinhuyen search | head`
        sys.stderr.close()
        sys.exit(Exit.DONE)
