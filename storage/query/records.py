"""From articles, addresses and digests to WARC records, and from a record to its rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, text

from storage.database.articles import STANDING
from storage.database.schema import (
    article,
    attachment,
    capture,
    reading,
    version,
    version_image,
)
from storage.errors import NotFound
from storage.query.access import access_of
from storage.query.articles import find_key
from storage.urls import canonical_url, urlkey

_SHA256 = re.compile(r"[0-9a-f]{64}")


def load_reading(connection: Connection, id_: str, number: int | None) -> Row[Any]:
    """The reading behind a version of an article (the newest if None), with where it was read from.

    Raises NotFound, UsageError.
    """
    key = find_key(connection, id_)
    wanted = version.c.number == number if number is not None else version.c.number > 0
    row = connection.execute(
        select(
            reading,
            article.c.id.label("article_id"),
            article.c.site,
            article.c.url.label("article_url"),
            version.c.number,
            *_PLACE,
            capture.c.payload_digest,
        )
        .join(version, version.c.reading == reading.c.id)
        .join(article, article.c.key == reading.c.article)
        .join(capture, capture.c.id == reading.c.capture)
        .where(article.c.key == key, wanted)
        .order_by(version.c.number.desc())
    ).first()
    if row is None:
        raise NotFound(f"article {id_} has no version {number}; `tinhuyen show` says which it has")
    return row


_PLACE = (
    capture.c.url,
    capture.c.fetched_at,
    capture.c.record_type,
    capture.c.status,
    capture.c.warc_file,
    capture.c.warc_offset,
    capture.c.warc_length,
    capture.c.record_id,
)


def locate(connection: Connection, what: str) -> list[dict[str, Any]]:
    """The records of an article (by id), an address, a sha256, a payload digest or a record id.

    Oldest first; for an article its page, images and attachments. Raises NotFound, UsageError.
    """
    wanted = what.strip()
    if url := canonical_url(wanted):
        found = _captures(connection, capture.c.urlkey == urlkey(url), "capture")
    elif _SHA256.fullmatch(wanted.lower()):
        found = _captures(connection, capture.c.body_sha256 == wanted.lower(), "file")
    elif wanted.startswith("sha1:"):
        found = _captures(connection, capture.c.payload_digest == wanted, "payload")
    elif "urn:uuid:" in wanted:
        found = _captures(connection, capture.c.record_id == f"<{wanted.strip('<>')}>", "record")
    else:
        found = _of_article(connection, wanted)
    if not found:
        raise NotFound(f"the database knows no record of {what}; was it ever captured?")
    return found


def _captures(
    connection: Connection, condition: ColumnElement[bool], what: str
) -> list[dict[str, Any]]:
    seen = text(access_of(connection).capture("capture"))
    query = select(*_PLACE).where(condition, seen).order_by(capture.c.fetched_at, capture.c.id)
    return [{"what": what} | _as_place(row) for row in connection.execute(query)]


def _as_place(row: Any) -> dict[str, Any]:
    return {
        "url": row.url,
        "fetched_at": row.fetched_at,
        "type": row.record_type,
        "status": row.status,
        "file": row.warc_file,
        "offset": row.warc_offset,
        "length": row.warc_length,
        "record_id": row.record_id,
    }


def _of_article(connection: Connection, id_: str) -> list[dict[str, Any]]:
    key = find_key(connection, id_)
    standing = reading.c.state.in_(STANDING)
    pages = select(reading.c.capture).where(reading.c.article == key, standing)
    versions = select(version.c.id).where(version.c.article == key)
    shown = {
        "image": select(version_image.c.url).where(version_image.c.version.in_(versions)),
        "attachment": select(attachment.c.url).where(attachment.c.version.in_(versions)),
    }
    found = _captures(connection, capture.c.id.in_(pages), "page")
    site = select(article.c.site).where(article.c.key == key).scalar_subquery()
    for what, urls in shown.items():
        found += _captures(connection, capture.c.url.in_(urls) & (capture.c.site == site), what)
    return found


def captures_behind(connection: Connection, keys: Sequence[int]) -> Iterator[Row[Any]]:
    """The captures that articles rest on: their pages at every time, the images and attachments
    shown in any version; and what the revisits among them refer to. One may come several times.

    Rows of record id, file, offset, and what it refers to (a record id, or None).
    """
    pages = select(reading.c.capture).where(reading.c.article.in_(keys))
    versions = select(version.c.id).where(version.c.article.in_(keys))
    files = select(attachment.c.capture).where(attachment.c.version.in_(versions))
    shown = (
        select(*_BEHIND)
        .join(version_image, version_image.c.url == capture.c.url)
        .join(version, version.c.id == version_image.c.version)
        .join(article, article.c.key == version.c.article)
        .where(version.c.article.in_(keys), capture.c.site == article.c.site)
        .where(capture.c.body_sha256 == version_image.c.image)
    )
    either = or_(capture.c.id.in_(pages), capture.c.id.in_(files))
    yield from _with_originals(connection, select(*_BEHIND).where(either))
    yield from _with_originals(connection, shown)


def _with_originals(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """What a query gives and who asks may see, and the originals of the revisits among it."""
    seen = text(access_of(connection).capture("capture"))
    rows = connection.execute(query.where(seen)).all()
    while rows:
        yield from rows
        ids = {row.refers_to for row in rows if row.refers_to}
        originals = select(*_BEHIND).where(capture.c.record_id.in_(ids), seen)
        rows = connection.execute(originals).all() if ids else []


_BEHIND = (capture.c.record_id, capture.c.warc_file, capture.c.warc_offset, capture.c.refers_to)


def exchange_span(connection: Connection, file: str, offset: int) -> tuple[int, int | None]:
    """Where the other records of the exchange at an offset may stand: from the capture before it
    (0: there is none) to the begin of the next; None: to the file's end.
    """
    here = capture.c.warc_file == file
    before = select(func.max(capture.c.warc_offset)).where(here, capture.c.warc_offset < offset)
    after = select(func.min(capture.c.warc_offset)).where(here, capture.c.warc_offset > offset)
    return connection.execute(before).scalar() or 0, connection.execute(after).scalar()


def rows_of(connection: Connection, file: str, offset: int) -> Iterator[dict[str, Any]]:
    """What the database made of the record at an offset: its capture, and what was read from it."""
    seen = text(access_of(connection).capture("capture"))
    here = (capture.c.warc_file == file) & (capture.c.warc_offset == offset)
    for row in connection.execute(select(capture).where(here, seen)).all():
        yield {
            "row": "capture",
            "url": row.url,
            "fetched_at": row.fetched_at,
            "run": row.run,
            "reading": row.reading,
        }
        yield from _articles_of(connection, row)


def _articles_of(connection: Connection, row: Row[Any]) -> Iterator[dict[str, Any]]:
    read = (
        select(article.c.id, version.c.number, reading.c.title)
        .join(reading, reading.c.article == article.c.key)
        .outerjoin(version, version.c.reading == reading.c.id)
        .where(reading.c.capture == row.id, reading.c.state.in_(STANDING))
    )
    for id_, number, title in connection.execute(read):
        yield {"row": "article", "id": id_, "version": number, "title": title}
    if row.body_sha256:
        yield from _shown_in(connection, row.body_sha256)


def _shown_in(connection: Connection, sha256: str) -> Iterator[dict[str, Any]]:
    """Articles that show a file of these bytes."""
    shown = (
        select(version.c.id)
        .outerjoin(version_image, version_image.c.version == version.c.id)
        .outerjoin(attachment, attachment.c.version == version.c.id)
        .where(or_(version_image.c.image == sha256, attachment.c.sha256 == sha256))
    )
    query = (
        select(article.c.id, version.c.number)
        .join(version, version.c.article == article.c.key)
        .where(version.c.id.in_(shown))
        .where(text(access_of(connection).one_article("article")))
        .order_by(article.c.id, version.c.number)
    )
    for id_, number in connection.execute(query):
        yield {"row": "shown in", "id": id_, "version": number, "sha256": sha256}
