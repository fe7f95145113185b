"""Articles put into an archive without a crawl: what tests of search and places stand on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert, select

from storage.archive import Archive
from storage.database.absences import Absence, save_absences
from storage.database.articles import ReadCapture, save_readings
from storage.database.runs import SiteRow, save_site, start_run
from storage.database.schema import capture
from storage.records import Article
from storage.takedown.decide import set_access
from storage.urls import urlkey

AT = "2024-03-01T03:00:00.000000Z"


def keep(
    archive: Archive,
    articles: Iterable[Article],
    site: str = "thu",
    *,
    at: str = AT,
    absent: Iterable[str] = (),
    **facts: Any,
) -> None:
    """Keep these as read from captures of a site; `facts` are the site's district and the like.

    `absent`: addresses that were asked for and answered 404.
    """
    engine = archive.open_for_writing()
    unknown: dict[str, Any] = dict.fromkeys(
        ("district", "district_from", "province", "family", "since", "evidence")
    )
    values = unknown | {"name": site, "organ": "other", "hosts": [], "state": "open"} | facts
    with engine.begin() as tx:
        save_site(tx, SiteRow(id=site, origin="declared", **values))
        run = start_run(tx, site, "crawl", "full")
        read = []
        for article in articles:
            key = _insert_capture(tx, site, run.id, article.url, at)
            read.append(ReadCapture(key, article.url, at, article))
        save_readings(tx, site, read)
        missed = [
            Absence(_insert_capture(tx, site, run.id, url, at), site, url, at, "404")
            for url in absent
        ]
        save_absences(tx, site, missed)
    engine.dispose()


def _insert_capture(tx: Connection, site: str, run: str, url: str, at: str) -> int:
    digest = hashlib.sha256(f"{site} {url} {at}".encode()).hexdigest()
    tx.execute(insert(capture).values(_capture(site, run, url, digest) | {"fetched_at": at}))
    same = capture.c.record_id == f"<urn:{digest}>"
    return int(tx.execute(select(capture.c.id).where(same)).scalar_one())


def _capture(site: str, run: str, url: str, digest: str) -> dict[str, Any]:
    return {
        "run": run,
        "site": site,
        "url": url,
        "urlkey": urlkey(url),
        "fetched_at": AT,
        "status": 200,
        "block_digest": f"sha256:{digest}",
        "warc_file": "warc/thu.warc.gz",
        "warc_offset": 0,
        "warc_length": 1,
        "record_id": f"<urn:{digest}>",
        "record_type": "response",
        "provenance": "own",
        "reading": "done",
    }


def article(number: int, title: str, text: str = "", **fields: Any) -> Article:
    """An article with an address of its own."""
    return Article(f"http://thu.example/{number}", title=title, text=text or None, **fields)


def open_attachments(archive: Archive, site: str = "demo") -> Archive:
    """Attachments are closed until a rule opens them."""
    rule = {"access": "open", "since": None, "until": None, "attachments": True, "opens": None}
    who = {"decided_by": "test", "basis": "test"}
    set_access(archive, site, rule | who, declared={site})
    return archive
