"""Where a run's discovery ends: lists met before, articles and files kept before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from storage.database.absences import newest_number
from storage.database.schema import article, article_url, capture, frontier, reading, version
from storage.records import FrontierRow, Link, Record

_NEWS_MAX = 50  # of one page; what is left is looked at by the next update
_KEPT_ONCE = frozenset({"article", "image", "attachment", "requisite"})


def is_new_list(tx: Connection, site: str, parent: FrontierRow, articles: Sequence[Link]) -> bool:
    """Whether no other list of this run named just these articles; notes that this one did.

    A server that answers every page number with the same page is known by that.
    """
    if parent.role not in ("list", "feed", "page") or not articles:
        return True
    names = "\n".join(sorted({link.url for link in articles}))
    digest = hashlib.blake2b(names.encode(), digest_size=16).digest()
    same = select(frontier.c.id).where(
        frontier.c.site == site,
        frontier.c.list_digest == digest,
        frontier.c.id != parent.id,
    )
    if tx.execute(same.limit(1)).first() is not None:
        return False
    tx.execute(update(frontier).where(frontier.c.id == parent.id).values(list_digest=digest))
    return True


def last_answers(tx: Connection, site: str, urls: Sequence[str]) -> dict[str, Record]:
    """Where the last sound answer of each address lies, if its record holds it whole.

    Of one that is a revisit nothing is said: an earlier answer's marks are not its own.
    """
    if not urls:
        return {}
    columns = (capture.c.warc_file, capture.c.warc_offset, capture.c.warc_length)
    answers = (
        select(capture.c.url, capture.c.record_type, *columns, capture.c.record_id)
        .where(
            capture.c.site == site,
            capture.c.url.in_(urls),
            capture.c.status == 200,
            capture.c.truncated.is_(None),
            capture.c.provenance == "own",
        )
        .order_by(capture.c.fetched_at, capture.c.id)
    )
    last = {url: rest for url, *rest in tx.execute(answers)}
    return {url: Record(*where) for url, (kind, *where) in last.items() if kind == "response"}


def kept_before(tx: Connection, site: str, run: str, links: Sequence[Link]) -> set[str]:
    """Articles and files that an earlier run captured soundly; lists are always looked at again.

    Not those that are gone: they may be back. Nor those of which the page that names them says
    that they changed since, the newest changes first, and not too many at once.
    """
    urls = [link.url for link in links if link.role in _KEPT_ONCE]
    if not urls:
        return set()
    sound = (
        select(capture.c.url, func.max(capture.c.fetched_at))
        .where(
            capture.c.site == site,
            capture.c.url.in_(urls),
            capture.c.run != run,
            capture.c.truncated.is_(None),
            capture.c.status < 400,
            capture.c.url.not_in(_gone(site)),
        )
        .group_by(capture.c.url)
    )
    kept = {url: at for url, at in tx.execute(sound)}
    return kept.keys() - _with_news(kept, links)


def _with_news(kept: dict[str, str], links: Sequence[Link]) -> set[str]:
    told = [
        (link.news_at, link.url)
        for link in links
        if link.news_at is not None and kept.get(link.url, link.news_at) < link.news_at
    ]
    return {url for _, url in sorted(told, reverse=True)[:_NEWS_MAX]}


def _gone(site: str) -> Any:
    """A query for the addresses of articles that are gone."""
    return (
        select(article_url.c.url)
        .join(article, article.c.key == article_url.c.article)
        .where(article.c.site == site, article.c.state == "gone")
    )


def articles_to_check(tx: Connection, site: str, run: str, newest: int, others: int) -> list[Link]:
    """Articles that an update looks at again: the newest so many, and some of all the others.

    Which others, a hash of run and address decides: every run looks at others, and again the same
    ones if it is asked again.
    """
    statement = (
        select(capture.c.url)
        .select_from(article)
        .join(version, version.c.article == article.c.key)
        .join(reading, reading.c.id == version.c.reading)
        .join(capture, capture.c.id == reading.c.capture)
        .where(article.c.site == site, version.c.number == newest_number(article.c.key))
        .order_by(func.coalesce(reading.c.published_at, "").desc(), article.c.id)
    )
    urls = list(tx.execute(statement).scalars())
    rest = sorted(urls[newest:], key=lambda url: hashlib.sha256(f"{run}\n{url}".encode()).digest())
    return [Link(url, "article") for url in urls[:newest] + rest[:others]]
