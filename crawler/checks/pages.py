"""Pages of a run that stood in the place of the site's own (crawler.checks.signs), counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from crawler.checks.look import Look
from crawler.checks.signs import SIGNS, TAKEN_OVER
from crawler.checks.thresholds import RECORDS_SHOWN, SIGN_FEWEST_PAGES, SIGN_SHARE, TAKEN_OVER_SHARE
from storage.database.schema import capture, failure
from storage.records import Finding
from storage.urls import origin_of


def check_signs(look: Look) -> list[Finding]:
    """A finding for each sign that a declared list shows, or so many pages that chance is out."""
    pages = _count_pages(look)
    return [*_signs(look, pages), *_moved(look)]


def _signs(look: Look, pages: int) -> Iterator[Finding]:
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    declared = {*look.site.listings, *map(_robots, look.site.listings)}
    for row in look.tx.execute(_failures(look, SIGNS)):
        groups[row.kind].append(row)
    for kind, rows in sorted(groups.items()):
        urls = {row.url for row in rows}
        lists = urls & declared
        share = len(urls) / max(pages, len(urls))
        if not lists and (len(urls) < SIGN_FEWEST_PAGES or share < SIGN_SHARE):
            continue
        of_lists = " and ".join(["a declared list"] * bool(lists) + [f"{len(urls)} page(s)"])
        yield Finding(
            kind,
            f"{of_lists} of {pages}: {rows[0].message}",
            {"pages": len(urls), "of": pages, "lists": len(lists), "share": round(share, 3)},
            _records(rows),
            pauses=kind in TAKEN_OVER and bool(lists or share >= TAKEN_OVER_SHARE),
        )


def _robots(url: str) -> str:
    """Where it is in the way of robots.txt, the list is not even asked for."""
    return f"{origin_of(url)}/robots.txt"


def _moved(look: Look) -> Iterator[Finding]:
    """The lists send their readers to somebody else."""
    astray = _failures(look, {"redirect_off_site"})
    rows = [row for row in look.tx.execute(astray) if row.url in look.site.listings]
    if rows and {row.url for row in rows} == set(look.site.listings):
        message = f"every declared list {rows[0].message}"
        yield Finding("moved", message, {"lists": len(look.site.listings)}, _records(rows))


def _failures(look: Look, kinds: Any) -> Any:
    return (
        select(failure.c.kind, failure.c.url, failure.c.message, capture.c.record_id)
        .outerjoin(capture, capture.c.id == failure.c.capture)
        .where(failure.c.run == look.run, failure.c.kind.in_(kinds))
        .order_by(failure.c.at, capture.c.record_id)
    )


def _records(rows: list[Any]) -> tuple[str, ...]:
    return tuple(row.record_id for row in rows if row.record_id)[:RECORDS_SHOWN]


def _count_pages(look: Look) -> int:
    """Addresses that answered with a page, whatever its status."""
    pages = select(func.count(capture.c.url.distinct())).where(
        capture.c.run == look.run, capture.c.mime.like("%html%")
    )
    return int(look.tx.execute(pages).scalar_one())
