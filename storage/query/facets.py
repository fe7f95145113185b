"""What was found, counted: by every filter that there is, and by day, month or year.

A facet counts what its filter would find. What is not known is a value of its own (None), so that
the counts of a facet that has one value an article add up to all that was counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from sqlalchemy import Connection

from storage.database.search_words import fact
from storage.places.gazetteer import gazetteer
from storage.places.lookup import label
from storage.query.match import after_unknown, match_of
from storage.query.query import Query
from storage.query.walk import matching, walk

MOST_COUNTED = 20_000
"""Articles that facets count: the newest that match. `tinhuyen stats` counts all."""

Step = Literal["day", "month", "year"]
_LENGTHS: dict[Step, int] = {"day": 10, "month": 7, "year": 4}
STEPS: dict[str, Step] = {step: step for step in _LENGTHS}

COUNTED_BY = {
    "site": ("site",), "organ": ("organ",), "province": ("province",),
    "district": ("district", "district_from"), "year": ("published_at",),
    "precision": ("published_precision",), "flag": ("published_flags",), "section": ("section",),
    "author": ("author",), "office": ("office",), "credit": ("credit",), "images": ("images",),
    "provenance": ("provenance",),
}  # fmt: skip
"""Columns of the shelf that each filter is counted by; `year` stands for since and until."""
_COLUMNS = tuple(dict.fromkeys(column for columns in COUNTED_BY.values() for column in columns))


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a facet."""

    value: str | None
    """As its filter takes it; None: not known."""
    label: str | None
    """For people."""
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Everything found, by every filter."""

    counted: int
    complete: bool
    """Everything that matches was counted; else only the newest MOST_COUNTED."""
    values: dict[str, list[Value]]
    """By the name of the filter, the most frequent first; `year` stands for since and until."""


def count_facets(connection: Connection, query: Query) -> Facets:
    """Count what a query finds. Raises as storage.query.search.find does."""
    match = match_of(query)
    rows: list[Any] = []
    if match is not None:
        columns = ", ".join(f"s.{name}" for name in _COLUMNS)
        found = walk(connection, match, MOST_COUNTED + 1, columns)
        rows = list(islice(found, MOST_COUNTED + 1))
    counted = rows[:MOST_COUNTED]
    columns_of = dict(zip(_COLUMNS, zip(*counted, strict=True), strict=True)) if counted else {}
    values = {
        name: values_of(name, Counter(zip(*(columns_of[one] for one in columns), strict=True)))
        for name, columns in COUNTED_BY.items()
        if counted
    }
    return Facets(len(counted), len(rows) <= MOST_COUNTED, values)


def values_of(name: str, counts: Mapping[tuple[Any, ...], int]) -> list[Value]:
    """The values of a facet, from articles counted by its columns on the shelf."""
    if name == "district":
        return _districts(counts)
    if name == "flag":
        return _flags(counts)
    if name == "images":
        return _together(counts, lambda number: "having images" if number else "lacking images")
    if name == "year":
        years = _together(counts, lambda date: date and date[:4])
        return sorted(years, key=lambda one: one.value or "", reverse=True)
    if name in ("section", "author", "office", "credit", "province"):
        return _together(counts, lambda value: value and fact(name, value), printed=True)
    return _together(counts, lambda value: value)


def _together(
    counts: Mapping[tuple[Any, ...], int],
    key_of: Callable[[Any], str | None],
    *,
    printed: bool = False,
) -> list[Value]:
    """Articles by key; `printed`: a key stands for spellings, and the most frequent is shown."""
    together: dict[str | None, Counter[Any]] = {}
    for (value,), number in counts.items():
        together.setdefault(key_of(value), Counter())[value] += number
    found = []
    for key, spellings in together.items():
        shown = min(spellings, key=lambda one: (-spellings[one], one or "")) if printed else key
        found.append(Value(shown, shown, spellings.total()))
    return _ordered(found)


def _ordered(values: Iterable[Value]) -> list[Value]:
    return sorted(values, key=lambda one: (-one.count, one.value is None, one.value or ""))


def _districts(counts: Mapping[tuple[Any, ...], int]) -> list[Value]:
    units: Counter[tuple[str | None, str | None]] = Counter()
    for (code, day), number in counts.items():
        unit = gazetteer().on(code, day) if code else None
        units[code, label(unit) if unit else code] += number
    return _ordered(Value(code, named, number) for (code, named), number in units.items())


def _flags(counts: Mapping[tuple[Any, ...], int]) -> list[Value]:
    """An article may have several."""
    flags: Counter[str] = Counter()
    for (listed,), number in counts.items():
        for flag in json.loads(listed):
            flags[flag] += number
    return _ordered(Value(flag, flag, number) for flag, number in flags.items())


def histogram(connection: Connection, query: Query, step: Step) -> list[Value]:
    """All that a query finds by day, month or year of publication, the earliest first.

    A date less precise than the step is a value of its own (`2022` among months); the undated are
    None, the last, unless the query is for a span of days. Raises as `find` does.
    """
    match = match_of(query)
    if match is None:
        return []
    date = f"substr(s.published_at, 1, {_LENGTHS[step]})"
    rows = matching(connection, match).rows(connection, f"{date}, count(*)", f"GROUP BY {date}")
    found = [Value(day, day, number) for day, number in rows]
    return sorted(found, key=lambda one: (one.value is None, one.value or ""))


def count_undated(connection: Connection, query: Query, most: int = 1_000) -> int:
    """How many articles a span of days leaves out since they have no date; at most so many.

    0 if the query is for no span of days.
    """
    match = match_of(query)
    if match is None or match.low == 0:
        return 0
    undated = replace(match, low=0, high=after_unknown() - 1)
    return sum(1 for _ in islice(walk(connection, undated, most), most))
