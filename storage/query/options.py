"""The options by which commands ask: one list of them for search, export, stats and releases.

    @commands.command()
    @query_options
    def search(context: typer.Context, query: Query, json: Json = False) -> None: ...

Typer reads a command's options from its signature; `query_options` puts one parameter for every
filter in the place of `query`, and hands the command the `Query` that they make.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from storage.query.query import SEVERAL, Query

_Words = Annotated[
    list[str] | None,
    typer.Argument(
        help='All must be there; "quoted" ones together; -without this one;'
        " site:binhgiang; from:2022-01 to:2023."
    ),
]
_HELP = {
    "site": "Only articles of this site. Filters may be given several times: any of them.",
    "organ": "Only of portals of this organ: party, people_committee, council, front, …",
    "district": 'Only articles of this district: "huyện Bình Giang", 296.',
    "province": 'Only of this province, of today or of before July 2025: "Hải Dương".',
    "unit": 'Only articles of a unit: "xã Đường An, Hải Phòng", or a code, 296.',
    "section": "Only of this section, as printed.",
    "author": "Only by this author.",
    "office": "Only of this office.",
    "credit": "Only what the page credits to this source.",
    "since": "First day, month or year of publication, 2022-01-31.",
    "until": "Last day, month or year of publication.",
    "precision": "Only dates this precise: second, minute, day, month, year.",
    "flag": "Only dates with this flag, such as weekday_agrees; of several, all.",
    "having": "Only where this is known or there: date, author, office, credit, section, district,"
    " images; of several, all.",
    "lacking": "Only where this is unknown or missing: date, images …; of several, all.",
    "provenance": "Only read from captures that are own, donated, commoncrawl, wayback.",
    "order": "rank: first those whose title has everything, then the newest; date: the newest.",
    "alike_once": "Of articles that are nearly the same only the first.",
}
_KINDS: dict[str, tuple[Any, object]] = {"order": (str, "rank"), "alike_once": (bool, False)}
"""Of what may be given once; else a text that may be missing."""


def _parameters() -> list[inspect.Parameter]:
    found = [_parameter("words", _Words, None)]
    for name, help_ in _HELP.items():
        kind, default = _KINDS.get(name, (str | None, None))
        kind = list[str] | None if name in SEVERAL else kind
        option = typer.Option(f"--{name.replace('_', '-')}", help=help_)
        found.append(_parameter(name, Annotated[kind, option], default))
    return found


def _parameter(name: str, annotation: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def query_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the filters in the place of its parameter `query`.

    How many, in which form and the like are the command's own options. Raises UsageError.
    """
    asked = _parameters()
    own = inspect.signature(command, eval_str=True)

    @wraps(command)
    def called(**given: Any) -> Any:
        filters = {one.name: given.pop(one.name) for one in asked}
        words = " ".join(filters.pop("words") or [])
        return command(query=Query.of(words, **filters), **given)

    places: list[inspect.Parameter] = []
    for parameter in own.parameters.values():
        by_name = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        places += asked if parameter.name == "query" else [by_name]
    called.__signature__ = own.replace(parameters=places)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in places}
    return called
