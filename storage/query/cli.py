"""Researchers' verbs over what was found: `search` and its kin."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from storage.archive import Archive
from storage.cli import Json, Limit, archive_of
from storage.output import (
    console,
    errors,
    escape,
    print_found,
    print_found_pages,
    print_json,
    print_table,
)
from storage.query.asked import read_query
from storage.query.facets import Facets, Value
from storage.query.options import query_options
from storage.query.query import Query

commands = typer.Typer()
_SHOWN = 8
"""Values of a facet that people are shown."""
_BAR = 40
"""Width of the longest bar, in characters."""


class Step(StrEnum):
    """What a histogram counts by."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@commands.command()
@query_options
def search(
    context: typer.Context,
    query: Query,
    limit: Limit = 20,
    facets: Annotated[
        bool, typer.Option("--facets", help="Count what is found by every filter, instead.")
    ] = False,
    histogram: Annotated[
        Step | None, typer.Option(help="Count what is found by day, month or year, instead.")
    ] = None,
    attachments: Annotated[
        bool, typer.Option("--attachments", help="Find pages of attachments, not articles.")
    ] = False,
    json: Json = False,
) -> None:
    """Find articles by words; without words the newest.

    With any Vietnamese mark the tones count (uỷ = ủy, but năm is not nam); without, none does.
    Words that begin with a minus come after `--`: tinhuyen search -- huyện -xã
    """
    archive = archive_of(context)
    if facets:
        print_facets(archive.facets(query), json=json)
    elif histogram is not None:
        print_bars(histogram, archive.count_by(query, histogram), json=json)
    else:
        _print_found(archive, query, limit, attachments, json)
    _say_what_is_left_out(archive, query)


def _print_found(archive: Archive, query: Query, limit: int, attachments: bool, json: bool) -> None:
    """Articles, and for people what was found in attachments below them; or only the latter."""
    found = [] if attachments else archive.find(query, limit)
    pages = archive.find_attached(query, limit) if attachments or not json else []
    if json:
        print_json(pages if attachments else found)
        return
    if not attachments:
        print_found(found)
    if pages or attachments:
        print_found_pages(pages)


@commands.command()
def alike(context: typer.Context, json: Json = False) -> None:
    """Find near-duplicates among articles and pictures; only what is new is compared.

    Then `search --alike-once` shows one of each, and `show --similar` the others.
    """
    archive = archive_of(context)
    if not archive.exists:
        archive.uncompared()  # says what to do
    with console.status("comparing") as status:
        done = archive.update_likeness(status.update)
    if json:
        print_json([asdict(done)])
        return
    console.print(f"{done.articles:,} articles and {done.images:,} pictures compared")
    console.print(f"{done.in_clusters:,} articles are alike, in {done.clusters:,} clusters")


def _say_what_is_left_out(archive: Archive, query: Query) -> None:
    if query.alike_once and (count := archive.uncompared()):
        errors.print(f"{count:,} articles were not compared yet; `tinhuyen alike` does it")
    for note in read_query(query.words).notes:
        errors.print(escape(note))
    if undated := archive.undated(query):
        errors.print(f"{undated:,} more have no date that is known; --lacking=date finds them")


def print_facets(facets: Facets, *, json: bool) -> None:
    """A line a value: the filter, the value, how many."""
    if json:
        print_json([{"counted": facets.counted, "complete": facets.complete}])
        print_json(
            {"filter": name} | asdict(value)
            for name, values in facets.values.items()
            for value in values
        )
        return
    console.print(f"{facets.counted:,} article(s)" + ("" if facets.complete else _NEWEST_ONLY))
    rows: list[tuple[Any, ...]] = []
    for name, values in facets.values.items():
        rows += [(name, one.label or "(unknown)", f"{one.count:,}") for one in values[:_SHOWN]]
        if more := values[_SHOWN:]:
            rows.append((name, f"({len(more)} more)", f"{sum(one.count for one in more):,}"))
    print_table(("filter", "value", "articles"), rows)


_NEWEST_ONLY = " were counted, the newest of more; `tinhuyen stats` counts all"


def print_bars(name: str, values: list[Value], *, json: bool) -> None:
    """A line a value, with a bar that shows how many."""
    if json:
        print_json({name: one.value, "count": one.count} for one in values)
        return
    most = max((one.count for one in values), default=1)
    bars = [(one, "█" * max(1, round(_BAR * one.count / most))) for one in values]
    rows = [(one.label or "(unknown)", f"{one.count:,}", bar) for one, bar in bars]
    print_table((name, "articles", ""), rows)
