"""The verb that counts: `stats`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from storage.cli import Json, Limit, archive_of
from storage.errors import UsageError
from storage.output import console, print_json, print_table
from storage.query.cli import print_bars
from storage.query.facets import STEPS, Value
from storage.query.options import query_options
from storage.query.plot import bars_svg
from storage.query.query import Query

commands = typer.Typer()


class By(StrEnum):
    """What there is to count by."""

    SITE = "site"
    ORGAN = "organ"
    PROVINCE = "province"
    DISTRICT = "district"
    SECTION = "section"
    AUTHOR = "author"
    OFFICE = "office"
    CREDIT = "credit"
    PRECISION = "precision"
    FLAG = "flag"
    IMAGES = "images"
    PROVENANCE = "provenance"
    YEAR = "year"
    MONTH = "month"
    DAY = "day"


@commands.command()
@query_options
def stats(
    context: typer.Context,
    query: Query,
    by: Annotated[By, typer.Option(help="What to count by.")] = By.SITE,
    pairs: Annotated[
        bool,
        typer.Option(
            "--pairs",
            help="Instead, pairs of syllables that set what is found apart from the rest.",
        ),
    ] = False,
    svg: Annotated[Path | None, typer.Option(help="Draw the counts into this file too.")] = None,
    limit: Limit = 40,
    json: Json = False,
) -> None:
    """Count all that a query finds, by site, month, author, section and the like."""
    archive = archive_of(context)
    if pairs:
        found = archive.telling_pairs(query, limit)
        if json:
            print_json(asdict(one) for one in found.pairs)
            return
        console.print(f"{found.found:,} articles found, against {found.rest:,} others")
        rows = [(one.pair, one.found, one.rest, f"{one.score:,.1f}") for one in found.pairs]
        print_table(("pair", "found in", "others", "score"), rows)
        return
    values = archive.count_by(query, by.value)
    if svg is not None:
        title = f"{query.as_command('stats')}: articles by {by.value}"
        _write(svg, bars_svg(title, _shortened(by, values, limit)))
    print_bars(by.value, _shortened(by, values, limit), json=json)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _shortened(by: By, values: list[Value], limit: int) -> list[Value]:
    """The most frequent, and the others as one; dates are all shown."""
    if by.value in STEPS or len(values) <= limit:
        return values
    rest = values[limit:]
    return [*values[:limit], Value("", f"({len(rest)} more)", sum(one.count for one in rest))]
