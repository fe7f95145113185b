"""What was found, counted: by every filter that there is, and by day, month or year.

A facet counts what its filter would find. What is not known is a value of its own (None), so that
the counts of a facet that has one value an article add up to all that was counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
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
_COLUMNS = (
    "site", "organ", "province", "district", "section", "author", "office", "credit",
    "published_at", "published_precision", "published_flags", "images", "provenance",
    "district_from",
)  # fmt: skip

Step = Literal["day", "month", "year"]
_LENGTHS: dict[Step, int] = {"day": 10, "month": 7, "year": 4}


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
    values = {name: count(columns_of) for name, count in _FACETS.items()} if counted else {}
    return Facets(len(counted), len(rows) <= MOST_COUNTED, values)


Columns = dict[str, tuple[Any, ...]]


def _plain(name: str) -> Callable[[Columns], list[Value]]:
    return lambda columns: _values(columns[name])


def _folded(name: str) -> Callable[[Columns], list[Value]]:
    """Spellings that the filter takes for one are counted as one, under the most frequent."""

    def count(columns: Columns) -> list[Value]:
        together: dict[str | None, Counter[str | None]] = {}
        for value, number in Counter(columns[name]).items():
            key = None if value is None else fact(name, value)
            together.setdefault(key, Counter())[value] += number
        spelled = {min(c, key=lambda v: (-c[v], v or "")): c.total() for c in together.values()}
        return _ordered(Value(value, value, number) for value, number in spelled.items())

    return count


def _values(values: Iterable[str | None]) -> list[Value]:
    return _ordered(Value(value, value, number) for value, number in Counter(values).items())


def _ordered(values: Iterable[Value]) -> list[Value]:
    return sorted(values, key=lambda one: (-one.count, one.value is None, one.value or ""))


def _districts(columns: Columns) -> list[Value]:
    pairs = Counter(zip(columns["district"], columns["district_from"], strict=True))
    units: Counter[tuple[str | None, str | None]] = Counter()
    for (code, day), number in pairs.items():
        unit = gazetteer().on(code, day) if code else None
        units[code, label(unit) if unit else code] += number
    return _ordered(Value(code, named, number) for (code, named), number in units.items())


def _years(columns: Columns) -> list[Value]:
    found = _values(day and day[:4] for day in columns["published_at"])
    return sorted(found, key=lambda one: one.value or "", reverse=True)


def _flags(columns: Columns) -> list[Value]:
    """An article may have several."""
    return _values(
        flag
        for flags, number in Counter(columns["published_flags"]).items()
        for flag in json.loads(flags) * number
    )


def _images(columns: Columns) -> list[Value]:
    there = Counter("having" if number else "lacking" for number in columns["images"])
    return _ordered(Value("images", f"{name} images", count) for name, count in there.items())


_FACETS: dict[str, Callable[[Columns], list[Value]]] = {
    "site": _plain("site"),
    "organ": _plain("organ"),
    "province": _folded("province"),
    "district": _districts,
    "year": _years,
    "precision": _plain("published_precision"),
    "flag": _flags,
    **{name: _folded(name) for name in ("section", "author", "office", "credit")},
    "images": _images,
    "provenance": _plain("provenance"),
}


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
