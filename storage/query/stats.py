"""What a query finds, counted in full; and the words that set it apart from the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from math import log

from sqlalchemy import Connection, select

from storage.database.absences import newest_number
from storage.database.schema import reading, version
from storage.query.facets import COUNTED_BY, STEPS, Value, histogram, values_of
from storage.query.folding import tone_key, words
from storage.query.match import match_of
from storage.query.private_numbers import without_private_numbers
from storage.query.query import Query
from storage.query.search import stream
from storage.query.walk import matching

MOST_READ = 2_000
"""Articles of the query, and of the rest, whose words are counted: the newest of each."""
_FEWEST = 3
"""Articles that a pair must stand in: what one page says is no habit."""
_BATCH = 500


def count_by(connection: Connection, query: Query, by: str) -> list[Value]:
    """All that a query finds, by a filter (storage.query.facets) or by day, month or year.

    The most frequent first, days in their order. Raises as storage.query.search.find does.
    """
    if by in STEPS:
        return histogram(connection, query, STEPS[by])
    match = match_of(query)
    if match is None:
        return []
    names = ", ".join(f"s.{name}" for name in COUNTED_BY[by])
    rows = matching(connection, match).rows(connection, f"{names}, count(*)", f"GROUP BY {names}")
    return values_of(by, {tuple(row[:-1]): row[-1] for row in rows})


@dataclass(frozen=True, slots=True)
class Pair:
    """Two syllables that stand side by side more often in what was found than in the rest."""

    pair: str
    """As most often printed, in lower case."""
    found: int
    """Articles of the query with it."""
    rest: int
    """Other articles with it."""
    score: float
    """Dunning's log-likelihood (Computational Linguistics 19, 1993): from 10.83 on, chance gives
    such a difference once in a thousand times."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs that set a query apart, the most telling first."""

    found: int
    """Articles of the query that were read, the newest, at most MOST_READ."""
    rest: int
    pairs: list[Pair]


def telling_pairs(connection: Connection, query: Query, limit: int) -> Pairs:
    """Pairs of syllables in what a query finds, against all that it does not find.

    Both are counted by articles. Raises as storage.query.search.find does.
    """
    newest = replace(query, order="date")
    keys = list(islice(stream(connection, newest), MOST_READ + 1))
    within = set(keys)
    if len(keys) > MOST_READ:
        within = set(stream(connection, newest))
    others = (key for key in stream(connection, Query()) if key not in within)
    here, spelled = _count(connection, keys[:MOST_READ])
    there, _ = _count(connection, islice(others, MOST_READ))
    found, rest = here.total_articles, there.total_articles
    pairs = [
        Pair(spelled[key], count, there[key], round(_score(count, found, there[key], rest), 2))
        for key, count in here.items()
        if count >= _FEWEST and count * rest > there[key] * found
    ]
    pairs.sort(key=lambda one: (-one.score, one.pair))
    return Pairs(found, rest, pairs[:limit])


class _Articles(Counter[tuple[str, str]]):
    """Articles by the pairs in them."""

    total_articles = 0


def _count(
    connection: Connection, keys: Iterable[int]
) -> tuple[_Articles, dict[tuple[str, str], str]]:
    """Articles by pair of tone keys, and each pair as it is printed most often."""
    counts = _Articles()
    spellings: Counter[tuple[tuple[str, str], str]] = Counter()
    for text in _texts(connection, keys):
        pairs = {(tone_key(a), tone_key(b)): f"{a} {b}" for a, b in _pairs_of(text)}
        counts.update(pairs.keys())
        spellings.update(pairs.items())
        counts.total_articles += 1
    return counts, {key: text for (key, text), _ in reversed(spellings.most_common())}


def _pairs_of(text: str) -> Iterator[tuple[str, str]]:
    """Neighbours within a line, in lower case; figures part."""
    for line in without_private_numbers(text).splitlines():
        for one, two in pairwise(words(line.lower())):
            if one.isalpha() and two.isalpha():
                yield one, two


def _texts(connection: Connection, keys: Iterable[int]) -> Iterator[str]:
    """Title, lead and text of the newest versions of articles that were found."""
    given = iter(keys)
    columns = (reading.c.title, reading.c.lead, reading.c.text)
    newest = select(*columns).join(version, version.c.reading == reading.c.id)
    newest = newest.where(version.c.number == newest_number(version.c.article))
    while some := list(islice(given, _BATCH)):
        for row in connection.execute(newest.where(version.c.article.in_(some))):
            yield "\n".join(part for part in row if part)


def _score(found: int, of_found: int, rest: int, of_rest: int) -> float:
    """Log-likelihood of two shares being one, over the four cells."""
    total, having = of_found + of_rest, found + rest
    cells = [
        (found, of_found, having), (of_found - found, of_found, total - having),
        (rest, of_rest, having), (of_rest - rest, of_rest, total - having),
    ]  # fmt: skip
    return 2 * sum(seen * log(seen * total / (row * column)) for seen, row, column in cells if seen)
