"""Verbs that compare: two versions of an article, two days of a district."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.output import console, escape, print_json, print_table
from storage.query.diff import Change, Piece
from storage.query.options import query_options
from storage.query.query import Query

commands = typer.Typer()


@commands.command("versions")
def show_versions(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="Its id, or a start of it that is unique.")],
    json: Json = False,
) -> None:
    """List every version of an article: when it was first and last captured so."""
    found = archive_of(context).versions(article)
    if json:
        print_json(found)
        return
    columns = ("number", "from_at", "until_at", "provenance", "title")
    print_table(
        ("version", "first captured", "last captured", "provenance", "title"),
        [tuple(row[name] for name in columns) for row in found],
    )


@commands.command()
def diff(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help="Its id, or a start of it that is unique.")],
    versions: Annotated[
        tuple[int, int] | None, typer.Option(help="Which two; the last two if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what differs between two versions of an article, by sentence and word."""
    old, new, changes = archive_of(context).diff(article, versions)
    if json:
        print_json(asdict(change) for change in changes)
        return
    if old["version"] == new["version"]:
        console.print(f"{new['id']} was never captured otherwise: it has one version.")
        return
    for side, sign in ((old, "-"), (new, "+")):
        console.print(f"{sign * 3} version {side['version']}, captured {side['captured_at']}")
    for change in changes:
        _print_change(change)
    if not changes:
        console.print("Only counters or clocks differ.")


def _print_change(change: Change) -> None:
    if change.words:
        shown = " ".join(map(_piece, change.words))
        console.print(f"  {change.field}: {shown}")
    elif change.kind == "removed":
        console.print(f"- {change.field}: [red]{escape(change.old or '')}[/red]")
    else:
        console.print(f"+ {change.field}: [green]{escape(change.new or '')}[/green]")


def _piece(piece: Piece) -> str:
    """As `wdiff` writes it, so that it can be read without colours."""
    text = escape(piece.text)
    if piece.side == "old":
        return rf"[red]\[-{text}-][/red]"
    return f"[green]{{+{text}+}}[/green]" if piece.side == "new" else text


@commands.command()
@query_options
def changes(
    context: typer.Context,
    query: Query,
    from_: Annotated[
        str, typer.Option("--from", help="First day, month or year of capture, 2024-03.")
    ],
    to: Annotated[str, typer.Option(help="Last day, month or year of capture, 2024-09.")],
    json: Json = False,
) -> None:
    """Show what was new, changed, gone or back between two days of capture.

    For one district: tinhuyen changes --from 2024-03 --to 2024-09 --district "huyện Bình Giang"
    """
    found = archive_of(context).changes(query, from_, to)
    if json:
        print_json(found)
        return
    counts = Counter(one["what"] for one in found)
    said = [f"{counts[what]:,} {what}" for what in ("new", "changed", "gone", "back")]
    console.print(f"Captures of {from_} to {to}: {', '.join(said)}")
    rows: list[tuple[Any, ...]] = [
        (one["article"], one["what"], one["said"], one["title"], one["site"]) for one in found
    ]
    if rows:
        print_table(("article", "", "", "title", "site"), rows)
