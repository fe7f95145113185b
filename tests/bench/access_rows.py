"""Rows for the bench of access conditions, made by the database itself: a page and a capture each."""

from __future__ import annotations

from sqlalchemy import Connection, text

_NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) INSERT INTO"
)
_DAY = "strftime('%Y-%m-%dT%H:%M:00+07:00', 1200000000 + i * 400, 'unixepoch')"
_ROWS = (
    f"{_NUMBERS} capture (id, run, site, url, urlkey, fetched_at, status, payload_digest,"
    " block_digest, warc_file, warc_offset, warc_length, record_id, record_type, provenance, reading)"
    " SELECT i, 'r', 's' || (i % 50), 'http://bench.vn/' || i, 'vn,bench)/' || i,"
    " '2024-03-01T03:00:00.000000Z', 200, 'sha1:' || i, 'b', 'f', i, 1, 'urn:' || i, 'response',"
    " 'own', 'done' FROM n",
    f"{_NUMBERS} article (key, id, site, url, first_seen, last_seen, state)"
    " SELECT i, printf('%016x', i), 's' || (i % 50), 'http://bench.vn/' || i, 'x', 'x', 'live' FROM n",
    f"{_NUMBERS} article_url (article, url) SELECT i, 'http://bench.vn/' || i FROM n",
    f"{_NUMBERS} reading (id, capture, article, extractor, state, title, text, published_at,"
    " published_flags, images, attachments, date_candidates, content_digest)"
    f" SELECT i, i, i, 'e', 'accepted', 'Tin ' || i, printf('%0400d', i), {_DAY},"
    " '[]', '[]', '[]', '[]', 'd' FROM n",
    f"{_NUMBERS} version (id, article, number, from_at, until_at, reading)"
    " SELECT i, i, 1, 'x', 'x', i FROM n",
)


def fill(tx: Connection, count: int) -> None:
    """So many articles on 50 sites, each with one version of one reading of one capture."""
    for i in range(50):
        tx.execute(
            text(
                "INSERT INTO site (id, name, organ, hosts, state, origin)"
                " VALUES (:id, 'x', 'other', '[]', 'open', 'declared')"
            ),
            {"id": f"s{i}"},
        )
    tx.execute(
        text("INSERT INTO run (id, site, kind, started_at) VALUES ('r', 's0', 'crawl', 'x')")
    )
    for statement in _ROWS:
        tx.execute(
            text(statement.replace(":%M", r"\:%M").replace(":00+", r"\:00+")), {"count": count}
        )
    tx.execute(text("CREATE INDEX bench_newest ON reading (published_at DESC)"))


def take_down(tx: Connection, takedowns: int, count: int) -> None:
    """As `takedown` keeps them: id, address in every spelling, bytes; half among the newest."""
    from storage.database.access_rows import Takedown, save_takedown

    for n in range(takedowns):
        i = count - n if n % 2 else n * (count // takedowns) + 1
        url = f"http://bench.vn/{i}"
        covers = [("article", f"{i:016x}"), ("url", url), ("payload", f"sha1:{i}")]
        save_takedown(tx, Takedown(f"t{n}", "hide", url, covers, "x", "x", "x", "x"))
