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

from sqlalchemy import Connection, func, select, text

from storage.database.prepared import Prepared
from storage.database.schema import article, reading, version
from storage.query.folding import fold_both
from storage.query.private_numbers import without_private_numbers

LONGEST_WORD = 255
"""Characters: what is longer is cut, in the index and in queries (a lexeme has 2,046 bytes)."""
_MAX_CHARS = 200_000
_MAX_WORDS = 8_000
_MAX_POSITION = 2 * _MAX_WORDS + 1
"""Of a title or a body, on both databases: a tsvector has 1 MB and 16,383 positions (PostgreSQL
manual, 12.11). News is a hundred times shorter."""

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


def index_again(tx: Connection) -> None:
    """Index the newest version of every article anew: after the rules of folding changed."""
    keys = list(tx.execute(select(article.c.key)).scalars())
    for start in range(0, len(keys), _BATCH):
        rows = tx.execute(_NEWEST.where(article.c.key.in_(keys[start : start + _BATCH])))
        for key, title, lead, body in rows.all():
            both = "\n".join(part for part in (lead, body) if part)
            index_articles(tx, [Indexed(key, title or "", both, is_new=False)])


_BATCH = 256
_other = version.alias()
_NEWEST = (
    select(article.c.key, reading.c.title, reading.c.lead, reading.c.text)
    .join(version, version.c.article == article.c.key)
    .join(reading, reading.c.id == version.c.reading)
    .where(
        version.c.number
        == select(func.max(_other.c.number))
        .where(_other.c.article == article.c.key)
        .scalar_subquery()
    )
)


def _sqlite_row(one: Indexed) -> dict[str, Any]:
    (title_tone, title_plain), (body_tone, body_plain) = _fold(one.title), _fold(one.body)
    return {
        "key": one.key,
        "title_tone": " ".join(title_tone),
        "body_tone": " ".join(body_tone),
        "title_plain": " ".join(title_plain),
        "body_plain": " ".join(body_plain),
    }


def _postgres_row(one: Indexed) -> dict[str, Any]:
    (title_tone, title_plain), (body_tone, body_plain) = _fold(one.title), _fold(one.body)
    return {
        "key": one.key,
        "tone": _tsvector(title_tone, body_tone),
        "plain": _tsvector(title_plain, body_plain),
    }


def _fold(text_: str) -> tuple[list[str], list[str]]:
    """The words of both folded forms, without private numbers."""
    tone, plain = fold_both(without_private_numbers(text_[:_MAX_CHARS]))
    return _words(tone), _words(plain)


def _words(folded: str) -> list[str]:
    return [word[:LONGEST_WORD] for word in folded.split()[:_MAX_WORDS]]


def _tsvector(title: list[str], body: list[str]) -> str:
    """Words and positions in PostgreSQL's own notation; a title's words weigh A."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    words = [(word, "A") for word in title] + [("", "")] + [(word, "B") for word in body]
    for position, (word, weight) in enumerate(words[:_MAX_POSITION], 1):
        if word:  # the empty word keeps a phrase from reaching out of the title
            places[word].append(f"{position}{weight}")
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items())
