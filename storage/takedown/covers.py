"""What a takedown covers: from what somebody named to the natural keys that stand for it.

An address stands for every article that it is an address of, an article for all its addresses and
for the bytes of its pages, so that no other capture of the same page is left. A digest stands for
the bytes wherever they lie.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from storage.database.access_rows import Cover
from storage.database.captures import addresses_leading_to
from storage.database.schema import (
    article,
    article_url,
    attachment,
    capture,
    frontier,
    reading,
    version,
    version_image,
)
from storage.query.articles import find_key
from storage.urls import canonical_url, fingerprint, urlkey

_SHA256 = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 500


@dataclass(slots=True)
class Covered:
    """What a takedown covers, and what is near it and stays."""

    asked: str
    """What was named, in its written form."""
    covers: list[Cover] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    """Their ids."""
    captures: int = 0
    """How many records of the archive as it now is."""
    lists: list[str] = field(default_factory=list)
    """Pages that link to it: they may show its title, and stay."""
    same_text: list[str] = field(default_factory=list)
    """Ids of other articles with the same content, which stay."""


def find_covered(connection: Connection, asked: str, *, with_files: bool) -> Covered:
    """What stands for an article's id, an address, a sha256 or a payload digest (`sha1:…`).

    `with_files`: also the images and attachments that no other article shows. The connection is
    one of the staff's. Raises NotFound, UsageError for an id that is none.
    """
    wanted = asked.strip()
    keys: list[int] = []
    if url := canonical_url(wanted):
        found = Covered(url, [("url", url)])
        keys = _articles_at(connection, url)
        found.covers += [("sha256", one) for one in _files_at(connection, url)]
    elif _SHA256.fullmatch(wanted.lower()):
        found = Covered(wanted.lower(), [("sha256", wanted.lower())])
    elif wanted.startswith("sha1:"):
        found = Covered(wanted, [("payload", wanted)])
        keys = _articles_of(connection, capture.c.payload_digest == wanted)
    else:
        keys = [find_key(connection, wanted)]
        found = Covered(wanted)
    _add_articles(connection, found, keys, with_files=with_files)
    found.captures = len(covered_captures(connection, found.covers))
    return found


def covered_captures(connection: Connection, covers: Iterable[Cover]) -> list[Any]:
    """Rows of `capture` that these keys cover, by file and offset."""
    rows: dict[int, Any] = {}
    for kind, column in _COLUMNS.items():
        values = [urlkey(value) if kind == "url" else value for k, value in covers if k == kind]
        for start in range(0, len(values), _AT_ONCE):
            some = column.in_(values[start : start + _AT_ONCE])
            rows |= {row.id: row for row in connection.execute(select(capture).where(some))}
    return sorted(rows.values(), key=lambda row: (row.warc_file, row.warc_offset))


_COLUMNS = {
    "url": capture.c.urlkey,
    "payload": capture.c.payload_digest,
    "sha256": capture.c.body_sha256,
}


def _articles_at(connection: Connection, url: str) -> list[int]:
    """Articles that an address is one of, or that it leads to."""
    reached, steps = {url}, {url}
    while steps:
        there = capture.c.urlkey.in_([urlkey(one) for one in steps])
        query = select(capture.c.location).where(there, capture.c.location.is_not(None))
        steps = set(connection.execute(query).scalars()) - reached
        reached |= steps
    here = _articles_of(connection, capture.c.urlkey == urlkey(url))
    named = select(article_url.c.article).where(article_url.c.url.in_(reached))
    return sorted({*here, *connection.execute(named).scalars()})


def _articles_of(connection: Connection, condition: ColumnElement[bool]) -> list[int]:
    query = select(reading.c.article).join(capture, capture.c.id == reading.c.capture)
    return sorted(set(connection.execute(query.where(condition)).scalars()))


def _files_at(connection: Connection, url: str) -> list[str]:
    """sha256 of the whole files that were captured at an address."""
    query = select(capture.c.body_sha256).where(
        capture.c.urlkey == urlkey(url),
        capture.c.body_sha256.is_not(None),
        capture.c.truncated.is_(None),
    )
    return sorted(set(connection.execute(query).scalars()))


def _add_articles(
    connection: Connection, found: Covered, keys: Sequence[int], *, with_files: bool
) -> None:
    """Add these articles, and those whose pages have the same bytes."""
    payloads = _payloads(connection, keys)
    all_keys = {*keys, *_articles_of(connection, capture.c.payload_digest.in_(payloads))}
    urls = set()
    for row in connection.execute(select(article).where(article.c.key.in_(all_keys))).all():
        own = select(article_url.c.url).where(article_url.c.article == row.key)
        known = {row.url, *connection.execute(own).scalars()}
        urls |= addresses_leading_to(connection, row.site, known)
        found.articles.append(row.id)
    if len(found.articles) == 1 and found.articles[0].startswith(found.asked):
        found.asked = found.articles[0]
    more = [("article", one) for one in found.articles] + [("url", one) for one in sorted(urls)]
    more += [("payload", one) for one in payloads]
    if with_files:
        more += _files_only_of(connection, all_keys)
    found.covers = list(dict.fromkeys([*found.covers, *more]))
    found.lists = _lists_with(connection, urls)
    found.same_text = _same_text(connection, all_keys)


def _payloads(connection: Connection, keys: Iterable[int]) -> list[str]:
    """Digests of the whole pages that these articles were read from."""
    query = (
        select(capture.c.payload_digest)
        .join(reading, reading.c.capture == capture.c.id)
        .where(
            reading.c.article.in_(keys),
            capture.c.payload_digest.is_not(None),
            capture.c.status == 200,
            capture.c.truncated.is_(None),
        )
    )
    return sorted(set(connection.execute(query).scalars()))


def _files_only_of(connection: Connection, keys: Iterable[int]) -> list[Cover]:
    """Addresses and bytes of the files that these articles show and no other does."""
    covers: list[Cover] = []
    for table, sha256 in ((version_image, "image"), (attachment, "sha256")):
        digest = table.c[sha256]
        shown = select(table.c.url, digest).join(version, version.c.id == table.c.version)
        mine = shown.where(version.c.article.in_(keys)).distinct()
        for url, bytes_ in connection.execute(mine).all():
            same = or_(table.c.url == url, digest == bytes_)
            other = shown.where(version.c.article.not_in(keys), same).limit(1)
            if connection.execute(other).first() is None:
                covers += [("url", url)] + ([("sha256", bytes_)] if bytes_ else [])
    return covers


def _lists_with(connection: Connection, urls: Iterable[str]) -> list[str]:
    prints = [fingerprint(url) for url in urls]
    query = select(frontier.c.via).where(frontier.c.fingerprint.in_(prints))
    sites = select(capture.c.site).distinct()
    found = connection.execute(query.where(frontier.c.site.in_(sites), frontier.c.via.is_not(None)))
    return sorted(set(found.scalars()))


def _same_text(connection: Connection, keys: Iterable[int]) -> list[str]:
    """Other articles, at other addresses, whose content is the same to the letter."""
    digests = select(reading.c.content_digest).where(reading.c.article.in_(keys))
    query = (
        select(article.c.id)
        .join(reading, reading.c.article == article.c.key)
        .where(reading.c.content_digest.in_(digests), article.c.key.not_in(keys))
    )
    return sorted(set(connection.execute(query).scalars()))
