"""The search index: every article's newest version, found by words (storage.database.search_words).

SQLite: a contentless FTS5 table whose tokenizer only splits at spaces. PostgreSQL: a tsvector
written out as text. Same words, same neighbours, same results.

An article's place on the shelf is the number of its row in the index: so "the newest twenty with
these words" is a walk that ends after twenty, however many there are (docs/decisions/0701). A place
is never used twice: where an article is indexed anew its old place stays empty, and words that
still lead there find nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, case, cast, func, insert, select, text, update

from storage.database.prepared import Prepared, columns, listed
from storage.database.schema import article, capture, reading, site, version
from storage.database.search_words import (
    Row,
    as_line,
    as_tsvector,
    free_places,
    wanted_place,
)
from storage.database.shelf import shelf

_BATCH = 1024


def index_readings(tx: Connection, newest: Mapping[int, int], begun: Iterable[int] = ()) -> None:
    """Make articles findable by these readings, and by no older ones.

    `newest` is a reading by the key of its article; `begun` are keys that were never indexed.
    """
    remove_articles(tx, sorted(newest.keys() - set(begun)))
    rows = [Row._make(row) for row in _ROWS.rows(tx, {"readings": list(newest.values())})]
    wanted = [wanted_place(row.published_at, row.id) for row in rows]
    # FTS5 begins a new segment wherever a row comes before the last one: so in order.
    placed = sorted(zip(_free(tx, wanted), rows, strict=True), key=lambda one: one[0])
    _SHELVE.insert(tx, [_shelved(place, row) for place, row in placed])
    _insert_words(tx, placed)


def index_shelf(tx: Connection) -> None:
    """Make every article on the shelf findable where it stands; the index is still empty."""
    standing = select(shelf.c.article, shelf.c.place).where(shelf.c.article.is_not(None))
    places = {key: place for key, place in tx.execute(standing.order_by(shelf.c.place))}
    newest = {key: read for key, read in tx.execute(_NEWEST)}
    keys = list(places)
    for start in range(0, len(keys), _BATCH):
        readings = [newest[key] for key in keys[start : start + _BATCH]]
        rows = [Row._make(row) for row in _ROWS.rows(tx, {"readings": readings})]
        placed = [(places[row.article], row) for row in rows]
        _insert_words(tx, sorted(placed, key=lambda one: one[0]))


def _insert_words(tx: Connection, placed: Sequence[tuple[int, Row]]) -> None:
    words = as_line if tx.dialect.name == "sqlite" else as_tsvector
    lines = [{"place": place, "words": words(row)} for place, row in placed]
    _INSERT[tx.dialect.name].insert(tx, lines)


def remove_articles(tx: Connection, keys: Sequence[int]) -> None:
    """Make articles unfindable."""
    if not keys:
        return
    if tx.dialect.name == "postgresql":
        _FORGET.run(tx, {"keys": keys})
    _CLEAR.run(tx, {"keys": keys})


def index_again(tx: Connection, site_id: str | None = None) -> None:
    """Index the newest versions anew: all after the rules changed, a site's after its facts did."""
    newest = _NEWEST if site_id is None else _NEWEST.where(article.c.site == site_id)
    keys = [(key, read) for key, read in tx.execute(newest)]
    if site_id is None:
        whole = "INSERT INTO search(search) VALUES ('delete-all')"
        tx.execute(text(whole if tx.dialect.name == "sqlite" else "DELETE FROM search"))
        tx.execute(shelf.delete())
    for start in range(0, len(keys), _BATCH):
        part = dict(keys[start : start + _BATCH])
        index_readings(tx, part, () if site_id else part)


def _free(tx: Connection, wanted: Sequence[int]) -> list[int]:
    """Where others stand already, the next places down: few articles share all bits of a place."""
    taken: set[int] = set()
    asked = set(wanted)
    while asked:
        found = {place for (place,) in _TAKEN.rows(tx, {"places": sorted(asked)})} - taken
        taken |= found
        asked = set(free_places(wanted, taken)) - taken if found else set()
    return free_places(wanted, taken)


def _shelved(place: int, row: Row) -> dict[str, Any]:
    same = ("article", "site", "organ", "district", "district_from", "section", "author")
    more = ("office", "credit", "published_at", "published_precision", "published_flags")
    return {name: getattr(row, name) for name in (*same, *more, "provenance")} | {
        "place": place,
        "province": row.province_name,
        "images": len(json.loads(row.images)),
        "alike": None,
    }


_other = version.alias()
_number = select(func.max(_other.c.number)).where(_other.c.article == article.c.key)
_NEWEST = (
    select(article.c.key, version.c.reading)
    .join(version, version.c.article == article.c.key)
    .where(version.c.number == _number.scalar_subquery())
    .order_by(article.c.key)
)
_own = site.c.district.is_not(None)
_ROWS = Prepared(
    select(
        article.c.key, article.c.id, site.c.id.label("site"), site.c.organ, site.c.province,
        case((_own, site.c.district), else_=reading.c.district),
        case((_own, site.c.district_from), else_=reading.c.district_from),
        reading.c.title, reading.c.lead, reading.c.text,
        reading.c.section, reading.c.author, reading.c.office, reading.c.credit,
        reading.c.published_at, reading.c.published_precision,
        cast(reading.c.published_flags, Text), cast(reading.c.images, Text), capture.c.provenance,
    )
    .join(article, article.c.key == reading.c.article)
    .join(site, site.c.id == article.c.site)
    .join(capture, capture.c.id == reading.c.capture)
    .where(reading.c.id.in_(listed("readings")))
)  # fmt: skip
_INSERT = {
    "sqlite": Prepared(text("INSERT INTO search(rowid, words) VALUES (:place, :words)")),
    "postgresql": Prepared(
        text("INSERT INTO search(place, words) VALUES (:place, CAST(:words AS tsvector))")
    ),
}
_SHELVE = Prepared(insert(shelf).values(columns(shelf)))
_CLEAR = Prepared(update(shelf).where(shelf.c.article.in_(listed("keys"))).values(article=None))
_FORGET = Prepared(
    text(
        "DELETE FROM search WHERE place IN (SELECT place FROM shelf WHERE article IN :keys)"
    ).bindparams(listed("keys"))
)
_TAKEN = Prepared(select(shelf.c.place).where(shelf.c.place.in_(listed("places"))))
