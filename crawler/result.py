"""How a run went, from what it stored: its outcome, its exit code and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from crawler.sites import Site
from storage.database.articles import count_articles
from storage.database.schema import failure, frontier
from storage.errors import Exit
from storage.urls import origin_of

_PAGES = ("list", "feed", "article", "page")


@dataclass(frozen=True, slots=True)
class Result:
    """An ended run."""

    exit_code: Exit
    outcome: str
    """`finished`, `incomplete` or `unavailable`."""
    message: str | None = None


def judge_run(tx: Connection, site: Site, run: str) -> Result:
    """The verdict over a run whose frontier is empty."""
    if not _reached(tx, site):
        reason = _why_not(tx, site, run)
        return Result(
            Exit.UNAVAILABLE, "unavailable", f"no listing of {site.id} could be read: {reason}"
        )
    missed = _missed_pages(tx, site)
    if missed:
        return Result(
            Exit.INCOMPLETE,
            "incomplete",
            f"{missed} page(s) could not be fetched; `tinhuyen runs show` names them",
        )
    unread = _unread_pages(tx, run)
    if unread:
        return Result(
            Exit.INCOMPLETE,
            "incomplete",
            f"{unread} page(s) could not be read; `tinhuyen runs show` names them",
        )
    if not count_articles(tx, site.id):
        return Result(
            Exit.INCOMPLETE, "incomplete", "not one article was found on the pages fetched"
        )
    return Result(Exit.DONE, "finished")


def _reached(tx: Connection, site: Site) -> bool:
    """Whether one declared listing at least was fetched."""
    fetched = select(frontier.c.id).where(
        frontier.c.site == site.id, frontier.c.url.in_(site.listings), frontier.c.state == "done"
    )
    return tx.execute(fetched.limit(1)).first() is not None


def _why_not(tx: Connection, site: Site, run: str) -> str:
    robots = [f"{origin_of(url)}/robots.txt" for url in site.listings]
    reasons = (
        select(failure.c.message)
        .where(failure.c.run == run, failure.c.url.in_([*robots, *site.listings]))
        .order_by(failure.c.skipped, failure.c.id)
        .limit(1)
    )
    return tx.execute(reasons).scalar() or "the reason was not stored"


def _missed_pages(tx: Connection, site: Site) -> int:
    missed = select(func.count()).where(
        frontier.c.site == site.id, frontier.c.state == "failed", frontier.c.role.in_(_PAGES)
    )
    return int(tx.execute(missed).scalar_one())


def _unread_pages(tx: Connection, run: str) -> int:
    unread = select(func.count(failure.c.url.distinct())).where(
        failure.c.run == run, failure.c.stage.in_(("read", "save")), failure.c.skipped == 0
    )
    return int(tx.execute(unread).scalar_one())
