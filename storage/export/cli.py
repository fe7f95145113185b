"""`tinhuyen export`, `tinhuyen release …` and `tinhuyen datasheet`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit, UsageError
from storage.export.found import find_all
from storage.export.lines import write_csv, write_jsonl
from storage.export.pictures import save_images
from storage.export.warc import write_warc
from storage.output import console, escape, print_json, print_table
from storage.query.options import query_options
from storage.query.query import Query

commands = typer.Typer()
release = typer.Typer(help="Frozen datasets of the archive.", no_args_is_help=True)
commands.add_typer(release, name="release")

Write = Callable[[Path, Iterable[dict[str, Any]]], None]
FORMATS = ("jsonl", "csv", "parquet", "warc")


@commands.command()
@query_options
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="A place that is free; for parquet, warc a folder.")],
    form: Annotated[str, typer.Option("--format", help="jsonl, csv, parquet or warc.")],
    query: Query,
    images: Annotated[
        Path | None, typer.Option(help="Also write their images into this new folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Write all that is found into a file or a folder: articles, or the records they come from.

    OUT has its name only once it is whole: after a killed export the same command begins again.
    """
    archive = archive_of(context)
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}; it is one of {', '.join(FORMATS)}")
    if form == "warc" and images is not None:
        raise UsageError("a WARC subset has the images' records; leave out --images")
    told: dict[str, Any] = {"format": form, "out": str(out)}
    with find_all(archive, query) as found:
        told["articles"] = len(found.keys)
        if form == "warc":
            what = f"A subset of an archive of district news: {query.as_command('export')}"
            told["captures"] = write_warc(out, found, archive.folder, what)
        else:
            articles = found.articles()
            if images is not None:  # they get their name before OUT gets its own
                articles = save_images(articles, images, found.connection)
            _writer(form)(out, articles)
    if json:
        print_json([told])
    else:
        console.print(escape(f"{told['articles']} article(s) in {out}"))


def _writer(form: str) -> Write:
    if form == "parquet":
        from storage.export.parquet import write_parquet  # pyarrow takes a second to load

        return write_parquet
    return write_csv if form == "csv" else write_jsonl


@commands.command()
@query_options
def datasheet(context: typer.Context, query: Query, json: Json = False) -> None:
    """Describe what the archive holds and what not, as a page of Markdown.

    With filters or words: what is found by them.
    """
    from storage.export.datasheet import tally, unheld
    from storage.export.datasheet_page import as_page, title_of

    with find_all(archive_of(context), query) as found:
        told = tally(found.connection, found.articles()).as_json()
        if query == Query():
            told["sites"] = unheld(found.connection)
    if json:
        print_json([told])
    else:
        print(as_page(told, title_of(query)), end="")


@release.command("create")
@query_options
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="a-z, 0-9 and -: it becomes a folder's name.")],
    query: Query,
    date: Annotated[
        str | None,
        typer.Option(help="Day of the release; that of the newest capture if not given."),
    ] = None,
    json: Json = False,
) -> None:
    """Freeze what is found: Parquet, data dictionary, datasheet, DataCite metadata, manifest.

    It lies under releases/ in the archive's folder. Made twice it is the same, byte for byte.
    """
    from storage.export.release import create_release

    archive = archive_of(context)
    made = create_release(archive, name, query, date)
    if json:
        print_json([made])
        return
    place = archive.folder.root / "releases" / name
    console.print(escape(f"{made['articles']} article(s), {made['released_on']}, in {place}"))


@release.command("list")
def list_made(context: typer.Context, json: Json = False) -> None:
    """List releases: their day, how many articles, and what was asked for."""
    from storage.export.release import list_releases

    found = list_releases(archive_of(context).folder)
    if json:
        print_json(found)
        return
    columns = ("name", "released_on", "articles", "last_capture", "command")
    print_table(columns, ([one[column] for column in columns] for one in found))


@release.command("verify")
def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name; `tinhuyen release list` lists them.")],
    json: Json = False,
) -> None:
    """Say whether a release is what it was when it was made; ends with 6 if not."""
    from storage.export.release import verify_release

    altered = list(verify_release(archive_of(context).folder, name))
    if json:
        print_json({"file": one.file, "problem": one.problem} for one in altered)
    else:
        said = [f"{one.file}: {one.problem}" for one in altered] or [f"{name}: as it was made"]
        console.print(escape("\n".join(said)))
    raise typer.Exit(Exit.VERIFICATION_FAILED if altered else Exit.DONE)
