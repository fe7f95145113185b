"""A match in the query language of FTS5: our own words in quotes, nothing left to interpret."""

from __future__ import annotations

from storage.query.asked import Term
from storage.query.match import EVERYTHING, Facts, Match, as_indexed


def fts5(match: Match) -> str:
    """The right side of MATCH (sqlite.org/fts5.html, 3)."""
    wanted = [_term(term, in_title=match.title == "only") for term in match.wanted]
    wanted += [_any(facts) for facts in match.facts]
    unwanted = [_term(term, in_title=False) for term in match.unwanted]
    if match.title == "not":
        unwanted.append(" AND ".join(_term(term, in_title=True) for term in match.wanted))
    sought = " AND ".join(wanted or [_any(EVERYTHING)])
    return f"({sought}) NOT ({' OR '.join(map('({})'.format, unwanted))})" if unwanted else sought


def _any(facts: Facts) -> str:
    return "(" + " OR ".join(f'"{one.replace(chr(34), "")}"' for one in facts) + ")"


def _term(term: Term, *, in_title: bool) -> str:
    ways = (
        " AND ".join(f'"{" ".join(as_indexed(term, phrase, in_title=in_title))}"' for phrase in way)
        for way in term.alternatives
    )
    return "(" + " OR ".join(f"({way})" for way in ways) + ")"
