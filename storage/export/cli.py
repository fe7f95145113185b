"""`tinhuyen export`, `tinhuyen release …` and `tinhuyen datasheet`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.errors import UsageError
from storage.export.found import Found, find_all
from storage.export.lines import write_csv, write_jsonl
from storage.export.pictures import save_images
from storage.export.place import new_folder
from storage.export.warc import write_warc
from storage.output import console, escape, print_json
from storage.query.options import query_options
from storage.query.query import Query

commands = typer.Typer()

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
            _write(_writer(form), found, out, images)
    if json:
        print_json([told])
    else:
        console.print(escape(f"{told['articles']} article(s) in {out}"))


def _write(write: Write, found: Found, out: Path, images: Path | None) -> None:
    articles = found.articles()
    if images is None:
        write(out, articles)
        return
    with new_folder(images) as folder:
        write(out, save_images(articles, folder, found.connection))


def _writer(form: str) -> Write:
    if form == "parquet":
        from storage.export.parquet import write_parquet  # pyarrow takes a second to load

        return write_parquet
    return write_csv if form == "csv" else write_jsonl
