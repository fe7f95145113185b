"""Takes out of the database what it had from records that are taken out of their WARC file.

What stays is what a rebuild from the rewritten files gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, select, update

from storage.database.absences import update_states
from storage.database.articles import renew_articles
from storage.database.attachments import forget_document
from storage.database.images import bind_files
from storage.database.proposal_table import proposal
from storage.database.schema import (
    absence,
    article,
    article_url,
    attachment,
    capture,
    failure,
    image,
    reading,
    version,
    version_image,
)
from storage.database.search_index import remove_articles
from storage.database.shelf import likeness


def purge(tx: Connection, rows: Sequence[Any]) -> None:
    """Drop these rows of `capture` and everything that followed from them."""
    if tx.dialect.name == "sqlite":  # what is deleted does not stay in the file's free pages
        tx.exec_driver_sql("PRAGMA secure_delete=ON")
    ids = [row.id for row in rows]
    absent = _articles_absent_at(tx, ids)
    for site, keys in _articles_of(tx, ids).items():
        _drop_readings(tx, site, keys, ids)
    for table in (absence, failure, proposal):
        tx.execute(delete(table).where(table.c.capture.in_(ids)))
    gone = {"mime": None, "sha256": None, "capture": None}
    tx.execute(update(attachment).where(attachment.c.capture.in_(ids)).values(**gone))
    tx.execute(delete(capture).where(capture.c.id.in_(ids)))
    update_states(tx, absent)
    _drop_files(tx, rows)


def forget(engine: Engine) -> None:
    """Let SQLite's log go, where what was dropped may still stand. A reader may keep it a while."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _articles_of(tx: Connection, ids: Sequence[int]) -> dict[str, list[int]]:
    found = defaultdict(list)
    query = (
        select(article.c.site, article.c.key)
        .join(reading, reading.c.article == article.c.key)
        .where(reading.c.capture.in_(ids))
        .distinct()
        .order_by(article.c.key)
    )
    for site, key in tx.execute(query):
        found[site].append(key)
    return found


def _articles_absent_at(tx: Connection, ids: Sequence[int]) -> list[int]:
    query = (
        select(article_url.c.article)
        .join(absence, absence.c.url == article_url.c.url)
        .where(absence.c.capture.in_(ids))
    )
    return sorted(set(tx.execute(query).scalars()))


def _drop_readings(tx: Connection, site: str, keys: list[int], ids: Sequence[int]) -> None:
    """Articles without these readings; those with none left are no more."""
    versions = select(version.c.id).where(version.c.article.in_(keys))
    for table in (version_image, attachment):
        tx.execute(delete(table).where(table.c.version.in_(versions)))
    tx.execute(delete(version).where(version.c.article.in_(keys)))
    remove_articles(tx, keys)
    tx.execute(delete(likeness).where(likeness.c.article.in_(keys)))  # it is computed anew
    tx.execute(delete(reading).where(reading.c.capture.in_(ids)))
    tx.execute(delete(article_url).where(article_url.c.article.in_(keys)))
    left = set(tx.execute(select(reading.c.article).where(reading.c.article.in_(keys))).scalars())
    tx.execute(delete(article).where(article.c.key.in_(set(keys) - left)))
    renew_articles(tx, site, sorted(left))


def _drop_files(tx: Connection, rows: Sequence[Any]) -> None:
    """Bind files anew to the captures that are left; drop the bytes that none has."""
    urls = defaultdict(set)
    for row in rows:
        urls[row.site].add(row.url)
    for site, some in urls.items():
        bind_files(tx, site, some)
    for sha256 in {row.body_sha256 for row in rows} - {None}:
        same = select(capture.c.id).where(capture.c.body_sha256 == sha256).limit(1)
        if tx.execute(same).first() is None:
            shown = version_image.c.image == sha256
            tx.execute(update(version_image).where(shown).values(image=None))
            tx.execute(delete(image).where(image.c.sha256 == sha256))
            forget_document(tx, sha256)
