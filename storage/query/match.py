"""What an article must have to be found: words, facts and days, in no database's language yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from storage.database.search_words import LAST_PLACE, after, fact, first_place
from storage.places.gazetteer import Unit, gazetteer
from storage.places.lookup import districts_named, districts_of, provinces_named
from storage.query.asked import Term, read_query
from storage.query.query import Query
from storage.query.synonyms import Words

Facts = tuple[str, ...]
"""Words of the index that stand for facts: one of them must be there."""


EVERYTHING: Facts = ("having=date", "lacking=date")
"""One of them stands at every article: FTS5 can take away only from something."""


@dataclass(frozen=True, slots=True)
class Span:
    """A district by its code, which means it only for these days: codes are used again."""

    code: str
    after: str
    until: str


@dataclass(frozen=True, slots=True)
class Match:
    """What to look for. Everything in it must hold."""

    terms: tuple[Term, ...] = ()
    facts: tuple[Facts, ...] = ()
    districts: tuple[tuple[Span, ...], ...] = ()
    """Of each tuple one district must be the article's."""
    low: int = 0
    high: int = LAST_PLACE
    """Places on the shelf, both included: the span of days."""
    title: Literal["any", "only", "not"] = "any"
    """Whether all the words must, or must not, be in the title as well."""

    @property
    def wanted(self) -> list[Term]:
        """Terms that must be there."""
        return [term for term in self.terms if not term.excluded]

    @property
    def unwanted(self) -> list[Term]:
        """Terms that must not."""
        return [term for term in self.terms if term.excluded]

    @property
    def has_words(self) -> bool:
        """Whether any word must be there: then there is a rank."""
        return any(not term.excluded for term in self.terms)


def match_of(query: Query) -> Match | None:
    """What a query looks for; None if it has words, but none that could be looked for.

    Raises UsageError or NotFound for a place that is none, or may be several.
    """
    asked = read_query(query.words)
    if query.words.strip() and asked.is_empty:
        return None
    districts = tuple(
        tuple(Span(one.code, *gazetteer().span(one)) for one in units) for units in _places(query)
    )
    sites = tuple((fact("site", _clean(site)),) for site in asked.sites)
    codes = tuple(tuple(sorted({fact("district", one.code) for one in any_})) for any_ in districts)
    since = [*asked.since, *([query.since] if query.since else [])]
    until = [*asked.until, *([query.until] if query.until else [])]
    low = max([first_place(day) for day in since], default=after_unknown() if until else 0)
    high = min([after(day) - 1 for day in until], default=LAST_PLACE)
    return Match(asked.terms, (*sites, *_facts(query), *codes), districts, low, high)


def after_unknown() -> int:
    """The lowest place of anything with a date."""
    return first_place("0001")


def _facts(query: Query) -> Iterator[Facts]:
    for name in ("site", "organ", "section", "author", "office", "credit", "precision"):
        if values := getattr(query, name):
            yield _any(name, values)
    if query.provenance:
        yield _any("provenance", query.provenance)
    if query.province:
        names = {name for one in query.province for name in provinces_named(one)}
        yield _any("province", sorted(names))
    for name in ("flag", "having", "lacking"):
        for value in getattr(query, name):
            yield _any(name, [value])


def _any(name: str, values: Iterable[str]) -> Facts:
    return tuple(fact(name, _clean(value)) for value in values)


def _places(query: Query) -> Iterator[list[Unit]]:
    """Sets of districts, one of each of which must be an article's."""
    if query.district:
        yield [unit for one in query.district for unit in districts_named(one)]
    if query.unit:
        yield [unit for one in query.unit for unit in districts_of(one)]


def _clean(text: str) -> str:
    """What a database driver takes: no NUL, no lone surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def as_indexed(term: Term, words: Words, *, in_title: bool) -> Words:
    """The words of a phrase as the index has them."""
    start = ("t=" if in_title else "") + ("" if term.toned else "_")
    return tuple(f"{start}{word}" for word in words)
