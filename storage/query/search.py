"""Full-text search: the user's words, never the search engine's syntax.

Words are matched on the tone key if they have any mark, else on the plain fold; all of them must
be there; words in quotes must stand together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, text

from storage.query.folding import fold, has_marks, tone_key

_PART = re.compile(r'[-"“”]*"([^"]*)"|[“]([^”]*)[”]|(\S+)')


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for."""

    words: str = ""
    site: str | None = None
    since: str | None = None
    """First day of publication, `2022-01-01`."""
    until: str | None = None
    """Last day of publication."""
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Phrase:
    """Folded words that must stand together, and the form they are matched on."""

    words: tuple[str, ...]
    toned: bool


def phrases(words: str) -> list[Phrase]:
    """What words ask for. The marks of the whole query decide; of a quoted phrase its own."""
    toned = has_marks(words)
    found = []
    for match in _PART.finditer(words):
        quoted = match[1] or match[2]
        part, marked = (quoted, has_marks(quoted)) if quoted else (match[3] or "", toned)
        folded = (tone_key if marked else fold)(part).split()
        if folded:
            found.append(Phrase(tuple(folded), marked))
    return found


def find(connection: Connection, query: Query) -> list[int]:
    """Keys of the articles found: best first, or newest first where no words were given.

    Words that fold to nothing (only signs) find nothing. Raises: nothing for any words.
    """
    wanted = phrases(query.words)
    if query.words.strip() and not wanted:
        return []
    build = _sqlite if connection.dialect.name == "sqlite" else _postgres
    statement, values = build(wanted)
    values |= {"limit": query.limit}
    for name in ("site", "since", "until"):
        value = getattr(query, name)
        values[name] = value
    return list(connection.execute(text(statement), values).scalars())


_FROM = "FROM article a JOIN version v ON v.article = a.key JOIN reading r ON r.id = v.reading"
_NEWEST = "v.number = (SELECT max(w.number) FROM version w WHERE w.article = a.key)"
_FILTERS = (
    "AND (CAST(:site AS TEXT) IS NULL OR a.site = :site)"
    " AND (CAST(:since AS TEXT) IS NULL OR substr(r.published_at, 1, 10) >= :since)"
    " AND (CAST(:until AS TEXT) IS NULL OR substr(r.published_at, 1, 10) <= :until)"
)
_NEWEST_FIRST = "COALESCE(r.published_at, '') DESC, a.id"


def _sqlite(wanted: list[Phrase]) -> tuple[str, dict[str, object]]:
    if not wanted:
        where = f"WHERE {_NEWEST} {_FILTERS}"
        return f"SELECT a.key {_FROM} {where} ORDER BY {_NEWEST_FIRST} LIMIT :limit", {}
    match = " AND ".join(_fts5(phrase) for phrase in wanted)
    return (
        f"SELECT a.key {_FROM} JOIN search ON search.rowid = a.key"
        f" WHERE search MATCH :match AND {_NEWEST} {_FILTERS}"
        f" ORDER BY bm25(search, 5.0, 1.0, 5.0, 1.0), {_NEWEST_FIRST} LIMIT :limit",
        {"match": match},
    )


def _fts5(phrase: Phrase) -> str:
    """Our own words, made of letters and digits only, in quotes: nothing is left to interpret."""
    columns = "{title_tone body_tone}" if phrase.toned else "{title_plain body_plain}"
    return f'{columns} : "{" ".join(phrase.words)}"'


def _postgres(wanted: list[Phrase]) -> tuple[str, dict[str, object]]:
    conditions, ranks, values = [_NEWEST], [], {}
    for number, phrase in enumerate(wanted):
        column = "search.tone" if phrase.toned else "search.plain"
        values[f"words{number}"] = " <-> ".join(f"'{word}'" for word in phrase.words)
        asked = f"CAST(:words{number} AS tsquery)"
        conditions.append(f"{column} @@ {asked}")
        ranks.append(f"ts_rank({column}, {asked})")
    join = "JOIN search ON search.article = a.key" if wanted else ""
    order = f"{' + '.join(ranks)} DESC, {_NEWEST_FIRST}" if ranks else _NEWEST_FIRST
    where = " AND ".join(conditions)
    return (
        f"SELECT a.key {_FROM} {join} WHERE {where} {_FILTERS} ORDER BY {order} LIMIT :limit",
        dict(values),
    )
