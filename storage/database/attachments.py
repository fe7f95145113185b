"""Text of attachments: once for each content (sha256), whoever shows it and whenever it came.

What is not read yet follows from the rows themselves: files that a version shows, whose content has
no row here. So the order in which article and file came decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, text

from storage.database.attachment_tables import attachment_page, attachment_text
from storage.database.schema import attachment, capture
from storage.query.folding import fold_both
from storage.query.private_numbers import without_private_numbers

State = Literal["read", "no_text", "failed", "unsupported"]
_PART_WORDS = 4_000
"""A page with more is parted: a tsvector has 16,383 positions (PostgreSQL manual, 12.11)."""
_AT_ONCE = 256
_WORD = re.compile(r"\S+\s*")
_WORD_CHARS = 255  # of a word in the index; a lexeme has 2,046 bytes


@dataclass(frozen=True, slots=True)
class Document:
    """What reading a file gave."""

    kind: str | None
    """By its bytes: `pdf`, `docx`, `ole` (.doc, .xls), `xlsx`, `zip` …; None: unknown."""
    state: State
    """`failed`: it should have been read. `unsupported`: nothing here reads this kind."""
    problem: str | None = None
    """Why it was not read, or not all of it; None if it was."""
    pages: Sequence[tuple[int | None, str]] = ()
    """Number (None: the document does not say) and text."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A content that nobody has read yet, and a record that holds it."""

    sha256: str
    record_id: str


def unread_attachments(tx: Connection, sites: Iterable[str] | None = None) -> list[Unread]:
    """What versions show and nobody has read; of these sites, or of all."""
    known = select(attachment_text.c.sha256)
    unread = (
        select(attachment.c.sha256, func.min(capture.c.record_id))
        .join(capture, capture.c.id == attachment.c.capture)
        .where(attachment.c.sha256.is_not(None), attachment.c.sha256.not_in(known))
        .group_by(attachment.c.sha256)
        .order_by(attachment.c.sha256)
    )
    if sites is not None:
        unread = unread.where(capture.c.site.in_(list(sites)))
    return [Unread(*row) for row in tx.execute(unread)]


def save_document(tx: Connection, sha256: str, document: Document) -> None:
    """Keep what was read of a content, and make it findable; the first reading of it stands."""
    if tx.execute(select(attachment_text).where(attachment_text.c.sha256 == sha256)).first():
        return
    values = {"sha256": sha256, "kind": document.kind, "state": document.state}
    pages = len(document.pages) if document.state != "unsupported" else None
    tx.execute(insert(attachment_text), values | {"problem": document.problem, "pages": pages})
    for number, (page, part) in enumerate(_parts(document.pages), 1):
        row = {"sha256": sha256, "part": number, "page": page, "text": part}
        id_ = tx.execute(insert(attachment_page).returning(attachment_page.c.id), row).scalar_one()
        _index(tx, id_, part)


def forget_document(tx: Connection, sha256: str) -> None:
    """Nothing of the text of this content stays, nor is it found."""
    pages = select(attachment_page.c.id).where(attachment_page.c.sha256 == sha256)
    key = "rowid" if tx.dialect.name == "sqlite" else "page"
    for id_ in tx.execute(pages).scalars().all():
        tx.execute(text(f"DELETE FROM search_page WHERE {key} = :id"), {"id": id_})  # noqa: S608
    for table in (attachment_page, attachment_text):
        tx.execute(delete(table).where(table.c.sha256 == sha256))


def index_pages(tx: Connection) -> None:
    """Make every page that is kept findable; the index is still empty."""
    pages = select(attachment_page.c.id, attachment_page.c.text).order_by(attachment_page.c.id)
    last = 0
    while found := tx.execute(pages.where(attachment_page.c.id > last).limit(_AT_ONCE)).all():
        for id_, part in found:
            _index(tx, id_, part)
        last = found[-1].id


def _parts(pages: Iterable[tuple[int | None, str]]) -> Iterator[tuple[int | None, str]]:
    """Pages that hold something, none too long for the index."""
    for page, text_ in pages:
        words = _WORD.findall(text_)
        for start in range(0, len(words), _PART_WORDS):
            part = "".join(words[start : start + _PART_WORDS])
            if part.strip():
                yield page, part


def _index(tx: Connection, id_: int, text_: str) -> None:
    """Folded as articles are (storage.database.search_index), so that both find the same way."""
    tone, plain = fold_both(without_private_numbers(text_))
    words = {"tone": _words(tone), "plain": _words(plain)}
    if tx.dialect.name == "sqlite":
        statement = "INSERT INTO search_page(rowid, tone, plain) VALUES (:page, :tone, :plain)"
        row: dict[str, Any] = {name: " ".join(found) for name, found in words.items()}
    else:
        statement = (
            "INSERT INTO search_page(page, tone, plain)"
            " VALUES (:page, CAST(:tone AS tsvector), CAST(:plain AS tsvector))"
        )
        row = {name: _tsvector(found) for name, found in words.items()}
    tx.execute(text(statement), row | {"page": id_})


def _words(folded: str) -> list[str]:
    return [word[:_WORD_CHARS] for word in folded.split()[: 3 * _PART_WORDS]]


def _tsvector(words: list[str]) -> str:
    places: dict[str, list[str]] = {}
    for position, word in enumerate(words, 1):
        places.setdefault(word, []).append(str(position))
    return " ".join(f"'{word}':{','.join(where)}" for word, where in places.items())


def count_documents(tx: Connection) -> list[dict[str, Any]]:
    """How many contents ended how: `kind`, `state`, `problem` (None: none), `count`."""
    columns = (attachment_text.c.kind, attachment_text.c.state, attachment_text.c.problem)
    counted = select(*columns, func.count().label("count")).group_by(*columns)
    return [dict(row._mapping) for row in tx.execute(counted.order_by(func.count().desc()))]
