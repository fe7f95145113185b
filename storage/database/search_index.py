"""The search index: the folded forms of every article's newest version.

SQLite: an FTS5 table whose tokens are already made, so that its own tokenizer only splits at
spaces. PostgreSQL: two tsvectors written out as text, so that its parser has no say either.
Same words, same positions, same results.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from storage.database.prepared import Prepared
from storage.query.folding import fold_both

_MAX_POSITION = 16383  # of a tsvector (PostgreSQL manual, 12.11)

_INSERT = {
    "sqlite": Prepared(
        text(
            "INSERT INTO search(rowid, title_tone, body_tone, title_plain, body_plain)"
            " VALUES (:key, :title_tone, :body_tone, :title_plain, :body_plain)"
        )
    ),
    "postgresql": Prepared(
        text(
            "INSERT INTO search(article, tone, plain)"
            " VALUES (:key, CAST(:tone AS tsvector), CAST(:plain AS tsvector))"
        )
    ),
}
_DELETE = {
    "sqlite": Prepared(text("DELETE FROM search WHERE rowid = :key")),
    "postgresql": Prepared(text("DELETE FROM search WHERE article = :key")),
}


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an article is to be found by."""

    key: int
    title: str
    body: str
    """Lead and text."""
    is_new: bool
    """It was not in the index before."""


def index_articles(tx: Connection, articles: Sequence[Indexed]) -> None:
    """Make articles findable by these words, and by no older ones."""
    for one in articles:
        if not one.is_new:
            remove_article(tx, one.key)
    row = _sqlite_row if tx.dialect.name == "sqlite" else _postgres_row
    _INSERT[tx.dialect.name].insert(tx, [row(one) for one in articles])


def remove_article(tx: Connection, key: int) -> None:
    """Make an article unfindable."""
    _DELETE[tx.dialect.name].run(tx, {"key": key})


def _sqlite_row(one: Indexed) -> dict[str, Any]:
    (title_tone, title_plain), (body_tone, body_plain) = fold_both(one.title), fold_both(one.body)
    return {
        "key": one.key,
        "title_tone": title_tone,
        "body_tone": body_tone,
        "title_plain": title_plain,
        "body_plain": body_plain,
    }


def _postgres_row(one: Indexed) -> dict[str, Any]:
    (title_tone, title_plain), (body_tone, body_plain) = fold_both(one.title), fold_both(one.body)
    return {
        "key": one.key,
        "tone": _tsvector(title_tone, body_tone),
        "plain": _tsvector(title_plain, body_plain),
    }


def _tsvector(title: str, body: str) -> str:
    """Words and positions in PostgreSQL's own notation; a title's words weigh A."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    words = [(word, "A") for word in title.split()] + [("", "")] + [(w, "B") for w in body.split()]
    for position, (word, weight) in enumerate(words, 1):
        if word:  # the empty word keeps a phrase from reaching out of the title
            places[word].append(f"{min(position, _MAX_POSITION)}{weight}")
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items())
