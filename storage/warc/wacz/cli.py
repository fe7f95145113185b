"""`tinhuyen wacz`: captures into a package for other archives and readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.errors import Exit
from storage.output import console, errors, escape, print_json

if TYPE_CHECKING:
    from storage.warc.wacz.package import Packed

commands = typer.Typer()


@commands.command()
def wacz(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="The file to make: NAME.wacz.")],
    site: Annotated[str | None, typer.Option(help="Only captures of this site.")] = None,
    run: Annotated[
        str | None, typer.Option(help="Only captures of this run, by its whole id.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only captures of this day (in Vietnam) and later.")
    ] = None,
    articles: Annotated[
        str | None,
        typer.Option(help="Only articles that this search finds, or of these ids (16 digits)."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a WACZ package: records, index, page list with titles and text, digests.

    Without options the whole archive. Beside what is asked for it holds all that the pages need
    to be drawn: images, styles, redirects, what revisits refer to. Ends with 6 if records that
    should be in it are damaged or missing.
    """
    from storage.warc.wacz.choose import Wanted
    from storage.warc.wacz.make import make_wacz

    wanted = Wanted(site, run, since, articles)
    with _progress() as on_progress:
        packed = make_wacz(archive_of(context), wanted, out, on_progress)
    _say(out, packed, json=json)
    raise typer.Exit(Exit.VERIFICATION_FAILED if packed.flaws else Exit.DONE)


def _say(out: Path, packed: Packed, *, json: bool) -> None:
    flaws = [{"file": name} | flaw.as_json() for name, flaw in packed.flaws]
    if json:
        counts = {name: getattr(packed, name) for name in ("captures", "files", "pages", "bytes")}
        print_json([{"wacz": str(out)} | counts | {"left_out": flaws}])
        return
    for flaw in flaws:
        said = f"left out: {flaw['file']}, offset {flaw['offset']}: {flaw['meaning']}"
        errors.print(escape(said))
    held = f"{packed.captures} captures from {packed.files} WARC file(s), {packed.pages} version(s)"
    console.print(escape(f"{out}: {held} of articles, {packed.bytes:,} bytes"))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], Any]]:
    """A bar on a terminal, on standard error."""
    from rich.progress import Progress

    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("choosing captures", total=None)
        yield lambda done, total: bar.update(
            task, description="packing captures", completed=done, total=total
        )
