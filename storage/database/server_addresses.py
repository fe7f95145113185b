"""Which server addresses answered for a site: sites behind one address share a server."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, select, true

from storage.database.schema import capture, run, site

_RUNS, _CAPTURES = 2, 20
"""So many of the newest are looked at: one that has just begun has no captures yet."""


def answering(tx: Connection) -> dict[str, set[tuple[str, str]]]:
    """By site, addresses (of pages) and the IP addresses that answered for them in its newest
    crawls. A site that was never crawled is not in it.
    """
    newest = (
        select(run.c.id)
        .where(run.c.site == site.c.id, run.c.kind == "crawl")
        .order_by(run.c.started_at.desc())
        .limit(_RUNS)
        .lateral()
    )
    some = (
        select(capture.c.url, capture.c.ip)
        .where(capture.c.run == newest.c.id, capture.c.ip.is_not(None))
        .limit(_CAPTURES)
        .lateral()
    )
    rows = select(site.c.id, some.c.url, some.c.ip).select_from(site).join(newest, true())
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for id_, url, ip in tx.execute(rows.join(some, true())):
        found[id_].add((url, ip))
    return found
