"""Full-text search: the user's words, never the search engine's syntax.

Found are the same articles in the same order on SQLite and PostgreSQL: first those whose title
has everything asked for, then the newest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from storage.places.gazetteer import gazetteer
from storage.places.lookup import districts_of
from storage.query.asked import Asked, Term, read_query
from storage.query.query import Query


def find(connection: Connection, query: Query, limit: int | None = 20) -> list[int]:
    """Keys of the articles found; the newest where no words were given.

    Words that fold to nothing (only signs) find nothing.
    Raises: nothing for any words; UsageError for `since` or `until` that is no day, UsageError or
    NotFound for a unit that is not one.
    """
    asked = read_query(query.words)
    if query.words.strip() and asked.is_empty:
        return []
    statement = _Statement()
    index = _sqlite if connection.dialect.name == "sqlite" else _postgres
    in_title = index(statement, asked.terms) if asked.terms else None
    _filter(statement, query, asked)
    order = f"{in_title} DESC, " if in_title else ""
    found = connection.execute(
        text(
            f"SELECT a.key FROM article a JOIN site s ON s.id = a.site"  # noqa: S608
            f" JOIN version v ON v.article = a.key JOIN reading r ON r.id = v.reading"
            f" {statement.join} WHERE {' AND '.join(statement.conditions)}"
            f" ORDER BY {order}COALESCE(r.published_at, '') DESC, a.id LIMIT :limit"
        ),
        statement.values | {"limit": -1 if limit is None else limit},
    )
    return list(found.scalars())


@dataclass(slots=True)
class _Statement:
    """A statement in the making; values never stand in its text."""

    join: str = ""
    conditions: list[str] = field(
        default_factory=lambda: [
            "v.number = (SELECT max(w.number) FROM version w WHERE w.article = a.key)"
        ]
    )
    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """The placeholder of a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _filter(statement: _Statement, query: Query, asked: Asked) -> None:
    for sites in (*((site,) for site in asked.sites), *([query.site] if query.site else [])):
        any_of = " OR ".join(f"a.site = {statement.bind(_clean(site))}" for site in sites)
        statement.conditions.append(f"({any_of})")
    for name, sign, days in (("since", ">=", asked.since), ("until", "<=", asked.until)):
        given = getattr(query, name)
        for day in (*days, *([given] if given else [])):
            published = f"substr(r.published_at, 1, {len(day)})"
            statement.conditions.append(f"{published} {sign} {statement.bind(day)}")
    for unit in query.unit:
        _within(statement, unit)


def _within(statement: _Statement, unit: str) -> None:
    """Only articles of a unit: by the site's own district, else by the one that they name.

    Codes are used again, so each counts only for its days.
    """
    day = "CASE WHEN s.district IS NULL THEN r.district_from ELSE s.district_from END"
    spans = [(one.code, *gazetteer().span(one)) for one in districts_of(unit)]
    codes = [
        f"(COALESCE(s.district, r.district) = {statement.bind(code)}"
        f" AND {day} > {statement.bind(after)} AND {day} <= {statement.bind(last)})"
        for code, after, last in spans
    ]
    statement.conditions.append(f"({' OR '.join(codes)})" if codes else "1 = 0")


def _clean(text_: str) -> str:
    """What a database driver takes: no NUL, no lone surrogate."""
    return text_.replace("\0", "").encode("utf-8", "replace").decode()


def _sqlite(statement: _Statement, terms: tuple[Term, ...]) -> str:
    """Add what FTS5 has to match; returns the expression for `everything is in the title`."""

    def ask(match: str) -> str:
        return f"a.key IN (SELECT rowid FROM search WHERE search MATCH {statement.bind(match)})"  # noqa: S608

    wanted = [term for term in terms if not term.excluded]
    excluded = [term for term in terms if term.excluded]
    if excluded:
        unwanted = " OR ".join(_fts5(term, "title", "body") for term in excluded)
        statement.conditions.append(f"NOT {ask(unwanted)}")
    if not wanted:
        return ""
    statement.conditions.append(ask(" AND ".join(_fts5(term, "title", "body") for term in wanted)))
    return f"({ask(' AND '.join(_fts5(term, 'title') for term in wanted))})"


def _fts5(term: Term, *columns: str) -> str:
    """Our own words, made of letters and digits only, in quotes: nothing is left to interpret."""
    form = "tone" if term.toned else "plain"
    names = " ".join(f"{column}_{form}" for column in columns)
    ways = (
        " AND ".join(f'"{" ".join(phrase)}"' for phrase in phrases) for phrases in term.alternatives
    )
    return f"{{{names}}} : ({' OR '.join(f'({way})' for way in ways)})"


def _postgres(statement: _Statement, terms: tuple[Term, ...]) -> str:
    """The same for tsvectors; the words of a title have the weight A."""
    statement.join = "JOIN search ON search.article = a.key"

    def ask(term: Term, weight: str = "") -> str:
        column = "search.tone" if term.toned else "search.plain"
        return f"{column} @@ CAST({statement.bind(_tsquery(term, weight))} AS tsquery)"

    statement.conditions += [f"{'NOT ' * term.excluded}({ask(term)})" for term in terms]
    titles = [ask(term, ":A") for term in terms if not term.excluded]
    return f"({' AND '.join(titles)})" if titles else ""


def _tsquery(term: Term, weight: str) -> str:
    """Our own words in quotes, each with the weight that it must have ('': any)."""
    ways = (
        " & ".join(
            "(" + " <-> ".join(f"'{word}'{weight}" for word in phrase) + ")" for phrase in phrases
        )
        for phrases in term.alternatives
    )
    return " | ".join(f"({way})" for way in ways)
