"""The verb `tinhuyen coverage`: what of a portal is captured, and what is missing."""

from __future__ import annotations

import csv as csv_
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storage.cli import Json, archive_of
from storage.csv_cells import safe_cell
from storage.output import console, errors, escape, print_json, print_table

if TYPE_CHECKING:
    from crawler.coverage.ledger import Ledger, Sighted

commands = typer.Typer()

_GAPS_SHOWN = _MISSING_SHOWN = 10


@commands.command()
def coverage(
    context: typer.Context,
    site: Annotated[str, typer.Argument(help="A site's id.")],
    json: Json = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="One line an article address, with what saw it.")
    ] = False,
) -> None:
    """What of a portal's articles is captured, what is missing, and how much there may have been.

    Reads every stored page of the site for the articles that it names; nothing is fetched.
    """
    from crawler.coverage.ledger import read_ledger
    from crawler.sites import find_site, load_sites

    archive = archive_of(context)
    declared = find_site(load_sites(archive.folder.sites), site)
    with _progress() as say:
        ledger = read_ledger(archive, declared, say)
    if csv:
        _write_csv(ledger)
    elif json:
        print_json([as_json(ledger)])
    else:
        _print(ledger)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    from rich.progress import Progress

    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("reading stored pages", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def as_json(ledger: Ledger) -> dict[str, Any]:
    """The ledger as one object; its `articles` are those that are not captured."""
    guess = ledger.estimate
    return {
        "site": ledger.site,
        "seen": len(ledger.articles),
        "captured": sum(bool(one.captured_by) for one in ledger.articles),
        "estimate": guess and {"published": guess.published, "low": guess.low, "high": guess.high},
        "sources": [
            dict(zip(("source", "seen", "captured", "alone"), row, strict=True))
            for row in ledger.by_source()
        ],
        "months": [
            {"month": month, "seen": seen, "captured": captured["any"]}
            | {"by": {name: n for name, n in captured.items() if name != "any"}}
            for month, seen, captured in ledger.by_month()
        ],
        "gaps": [
            {"first": gap.first, "last": gap.last, "after": gap.after, "before": gap.before}
            for gap in ledger.gaps
        ],
        "missing": [_row(one) for one in ledger.articles if not one.captured_by],
        "unreadable": ledger.unreadable,
    }


def _row(one: Sighted) -> dict[str, Any]:
    return {
        "url": one.url,
        "number": one.number,
        "month": None if one.month == "unknown" else one.month,
        "named_by": sorted(one.named_by),
        "captured_by": sorted(one.captured_by),
    }


def _write_csv(ledger: Ledger) -> None:
    """Every article address: a number, a month, and names joined by spaces."""
    writer = csv_.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("url", "number", "month", "named_by", "captured_by"))
    for row in map(_row, ledger.articles):
        names = (" ".join(row[key]) for key in ("named_by", "captured_by"))
        writer.writerow((safe_cell(row["url"]), row["number"], row["month"], *names))


def _print(ledger: Ledger) -> None:
    missing = [one for one in ledger.articles if not one.captured_by]
    seen = len(ledger.articles)
    console.print(
        f"{ledger.site}: {seen} article(s) seen, {seen - len(missing)} captured, {len(missing)} not"
    )
    print_table(("source", "saw", "of them captured", "it alone"), ledger.by_source())
    print_table(
        ("month", "seen", "captured", "by"),
        ((month, count, by["any"], _by(by)) for month, count, by in ledger.by_month()),
    )
    _print_gaps(ledger)
    for one in missing[:_MISSING_SHOWN]:
        console.print(escape(f"not captured  {one.url}"))
    if len(missing) > _MISSING_SHOWN:
        console.print(f"… and {len(missing) - _MISSING_SHOWN} more: --csv lists all")
    if ledger.unreadable:
        console.print(f"{ledger.unreadable} page(s) could not be read; they may name more")
    _print_estimate(ledger)


def _by(captured: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in captured.items() if name != "any")


def _print_gaps(ledger: Ledger) -> None:
    total = sum(gap.last - gap.first + 1 for gap in ledger.gaps)
    if total:
        console.print(f"{total} number(s) between articles that nothing names:")
    rows = ((f"{g.first}-{g.last}", g.after, g.before) for g in ledger.gaps[:_GAPS_SHOWN])
    if total:
        print_table(("numbers", "after", "before"), rows)


def _print_estimate(ledger: Ledger) -> None:
    guess = ledger.estimate
    if guess is None:
        console.print("published, by estimate: unknown; it takes two sources that saw 10 each")
        return
    console.print(
        f"published, by estimate: {guess.published:,}"
        f" (between {guess.low:,} and {guess.high:,} in 95 of 100 cases)"
    )
