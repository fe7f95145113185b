"""Search in the text of attachments: which article, which file, which page.

A page is found if it has by itself everything that is asked for. Looked for as in articles
(storage.query.asked): the same spellings, the same rules for marks. Only attachments whose bytes
may go out are found, and until a rule opens them those are none (storage.query.access).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from storage.query.access import access_of
from storage.query.asked import Term, read_query
from storage.query.folding import fold, tone_key

_AROUND = 12
"""Words shown on each side of the first that was looked for."""
_SELECT = """
    SELECT a.key, a.id AS article, a.site, r.title, r.published_at, t.url, t.name, t.mime,
           t.sha256, ap.page, ap.text
      FROM search_page
      JOIN attachment_page ap ON ap.id = {page}
      JOIN attachment t ON t.sha256 = ap.sha256
      JOIN version v ON v.id = t.version
      JOIN article a ON a.key = v.article
      JOIN reading r ON r.id = v.reading
     WHERE {condition} AND {open}
       AND v.number = (SELECT max(n.number) FROM version n WHERE n.article = a.key)
     ORDER BY COALESCE(r.published_at, '') DESC, a.id, t.position, ap.part"""


def filters_in(asked_words: str) -> str:
    """What a query says of the article that shows a file: `site:demo from:2022`, without words."""
    asked = read_query(asked_words)
    named = (("site", asked.sites), ("from", asked.since), ("to", asked.until))
    return " ".join(f"{name}:{value}" for name, values in named for value in values)


def find_pages(
    connection: Connection, asked_words: str, limit: int, among: set[int] | None
) -> list[dict[str, Any]]:
    """Pages that have all the words, of the newest versions of the newest articles first.

    A dict for each: `article` (id), `site`, `title`, `published_at`, `attachment` (url, name, mime,
    sha256), `page` (None: the file does not say), `text` (the words around).
    `among`: keys of the articles that count; None: all. Raises: nothing, for any words.
    """
    terms = read_query(asked_words).terms
    wanted = [term for term in terms if not term.excluded]
    if not wanted:
        return []
    is_sqlite = connection.dialect.name == "sqlite"
    page = "search_page.rowid" if is_sqlite else "search_page.page"
    condition, values = (_sqlite if is_sqlite else _postgres)(terms)
    open_ = access_of(connection).attachment("t", "a")
    statement = _SELECT.format(page=page, condition=condition, open=open_)
    rows = connection.execute(text(statement).execution_options(yield_per=limit), values)
    counted = (row for row in rows if among is None or row.key in among)
    found = [_shown(dict(row._mapping), wanted) for row in islice(counted, limit)]
    rows.close()
    return found


def _sqlite(terms: Iterable[Term]) -> tuple[str, dict[str, str]]:
    """Our own words, letters and digits only, in quotes: nothing is left to interpret."""
    asked: dict[bool, list[str]] = {False: [], True: []}
    for term in terms:
        ways = (
            " AND ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
            for phrases in term.alternatives
        )
        column = "tone" if term.toned else "plain"
        asked[term.excluded].append(f"{{{column}}} : ({' OR '.join(f'({way})' for way in ways)})")
    match = " AND ".join(f"({one})" for one in asked[False])
    if asked[True]:
        unwanted = " OR ".join(f"({one})" for one in asked[True])
        match = f"({match}) NOT ({unwanted})"
    return "search_page MATCH :match", {"match": match}


def _postgres(terms: Iterable[Term]) -> tuple[str, dict[str, str]]:
    conditions, values = [], {}
    for number, term in enumerate(terms):
        ways = (
            " & ".join(
                "(" + " <-> ".join(f"'{word}'" for word in phrase) + ")" for phrase in phrases
            )
            for phrases in term.alternatives
        )
        values[f"match{number}"] = " | ".join(f"({way})" for way in ways)
        column = "tone" if term.toned else "plain"
        asked = f"search_page.{column} @@ CAST(:match{number} AS tsquery)"
        conditions.append(f"NOT ({asked})" if term.excluded else asked)
    return " AND ".join(conditions), values


def _shown(row: dict[str, Any], wanted: list[Term]) -> dict[str, Any]:
    file = {name: row[name] for name in ("url", "name", "mime", "sha256")}
    about = {name: row[name] for name in ("article", "site", "title", "published_at")}
    return about | {"attachment": file, "page": row["page"], "text": _around(row["text"], wanted)}


def _around(page: str, wanted: list[Term]) -> str:
    """The words around the first place where one of those asked for stands."""
    heads = {(term.toned, way[0][0]) for term in wanted for way in term.alternatives}
    shown = page.split()
    at = next((number for number, word in enumerate(shown) if heads & _folded(word)), 0)
    start, end = max(0, at - _AROUND), at + _AROUND + 1
    return "… " * (start > 0) + " ".join(shown[start:end]) + " …" * (end < len(shown))


def _folded(word: str) -> set[tuple[bool, str]]:
    return {(True, one) for one in tone_key(word).split()} | {
        (False, one) for one in fold(word).split()
    }
