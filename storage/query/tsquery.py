"""A match in PostgreSQL's query language: our own words in quotes, nothing left to interpret."""

from __future__ import annotations

from itertools import pairwise

from storage.query.asked import Term
from storage.query.match import EVERYTHING, Facts, Match, as_indexed


def tsquery(match: Match, days: Facts = ()) -> str:
    """The text of a tsquery (manual, 8.11.2); of `days` one must be there as well."""
    wanted = [_term(term, in_title=match.title == "only") for term in match.wanted]
    wanted += [_any(facts) for facts in (*match.facts, days) if facts]
    unwanted = [_term(term, in_title=False) for term in match.unwanted]
    if match.title == "not":
        unwanted.append(" & ".join(_term(term, in_title=True) for term in match.wanted))
    return " & ".join([*(wanted or [_any(EVERYTHING)]), *(f"!({one})" for one in unwanted)])


def tsquery_parts(match: Match) -> list[str]:
    """What must be there, one by one, of phrases their pairs: to ask how frequent each is."""
    parts = [_any(facts) for facts in match.facts]
    for term in match.wanted:
        ways = [
            [pair for phrase in way for pair in _pairs(term, phrase)] for way in term.alternatives
        ]
        parts += map(_quoted, ways[0]) if len(ways) == 1 else []
        if len(ways) > 1 or not ways[0]:
            parts.append(_term(term, in_title=match.title == "only"))
    return parts or [_any(EVERYTHING)]


def _pairs(term: Term, phrase: tuple[str, ...]) -> list[str]:
    words = as_indexed(term, phrase, in_title=False)
    return [f"{one}+{two}" for one, two in pairwise(words)]


def _any(facts: Facts) -> str:
    return "(" + " | ".join(map(_quoted, facts)) + ")"


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _term(term: Term, *, in_title: bool) -> str:
    ways = (
        " & ".join(_phrase(term, phrase, in_title) for phrase in way) for way in term.alternatives
    )
    return "(" + " | ".join(f"({way})" for way in ways) + ")"


def _phrase(term: Term, phrase: tuple[str, ...], in_title: bool) -> str:
    """A phrase's pairs of words are words of the index: only where all are there is it read."""
    pairs = [_quoted(pair) for pair in _pairs(term, phrase)]
    if len(pairs) == 1 and not in_title:
        return pairs[0]
    placed = " <-> ".join(map(_quoted, as_indexed(term, phrase, in_title=in_title)))
    return "(" + " & ".join([*pairs, f"({placed})"]) + ")"
