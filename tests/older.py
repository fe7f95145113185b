"""The demo's archive as an earlier version of the program would have read it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, literal, select, update

from storage.database.absences import Absence, save_absences
from storage.database.articles import ReadCapture, renew_articles, save_readings
from storage.database.schema import article, article_url, capture, failure, reading
from storage.database.shelf import likeness
from storage.records import Article

OLD = "party_sharepoint-0"
TITLES = 3
"""Articles whose titles were read otherwise."""
CHANGED = TITLES + 2
"""Captures that today's rules read otherwise: these, an article missed, a list taken for one."""


def read_by_older_rules(engine: Engine) -> None:
    with engine.begin() as tx:
        keys = list(tx.execute(select(article.c.key).order_by(article.c.id).limit(4)).scalars())
        _read_titles_otherwise(tx, keys[:TITLES])
        _miss(tx, keys[TITLES])
        _take_a_list_for_an_article(tx)


def _read_titles_otherwise(tx: Connection, keys: list[int]) -> None:
    values: dict[str, Any] = {
        "title": literal("Tin: ") + reading.c.title,
        "content_digest": literal("old") + reading.c.content_digest,
        "extractor": OLD,
    }
    tx.execute(update(reading).where(reading.c.article.in_(keys)).values(values))


def _miss(tx: Connection, key: int) -> None:
    """An article that was not seen as one; its page failed to be read."""
    mine = reading.c.article == key
    id_, run, url, at = tx.execute(
        select(capture.c.id, capture.c.run, capture.c.url, capture.c.fetched_at)
        .join(reading, reading.c.capture == capture.c.id)
        .where(mine)
    ).one()
    tx.execute(update(reading).where(mine).values(state="old"))
    renew_articles(tx, "demo", [key])
    tx.execute(delete(likeness).where(likeness.c.article == key))
    tx.execute(delete(reading).where(mine))
    tx.execute(delete(article_url).where(article_url.c.article == key))
    tx.execute(delete(article).where(article.c.key == key))
    tx.execute(update(capture).where(capture.c.id == id_).values(reading="failed"))
    row = {"run": run, "site": "demo", "url": url, "at": at, "stage": "read", "capture": id_}
    what = {"kind": "no_text", "skipped": 0, "message": "nothing in it"}
    tx.execute(insert(failure), row | what)


def _take_a_list_for_an_article(tx: Connection) -> None:
    id_, url, at = tx.execute(
        select(capture.c.id, capture.c.url, capture.c.fetched_at)
        .where(capture.c.url.like("%/news/Pages/new.aspx%"))
        .order_by(capture.c.url)
        .limit(1)
    ).one()
    read = Article(url, title="Tin tức", text="Trang 1", extractor=OLD)
    save_readings(tx, "demo", [ReadCapture(id_, url, at, read)])
    save_absences(tx, "demo", [Absence(id_, "demo", url, at, "soft_404")])
    tx.execute(update(capture).where(capture.c.id == id_).values(reading="done"))
