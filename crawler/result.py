"""How a run went, from what it stored: its outcome, its exit code and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from crawler.checks.look import ReadRecord
from crawler.checks.run import check_run
from crawler.checks.signs import SIGNS
from crawler.sites import Site
from storage.database.schema import capture, failure, frontier
from storage.errors import Exit
from storage.records import Finding
from storage.urls import origin_of

_PAGES = ("list", "feed", "article", "page")


@dataclass(frozen=True, slots=True)
class Result:
    """An ended run."""

    exit_code: Exit
    outcome: str
    """`finished`, `incomplete` or `unavailable`."""
    message: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def pausing(self) -> tuple[Finding, ...]:
        """What says that this may not be the same site any more."""
        return tuple(found for found in self.findings if found.pauses)


def judge_run(tx: Connection, site: Site, run: str, read: ReadRecord) -> Result:
    """The verdict over a run whose frontier is empty. `read` gives what a record holds."""
    answered = _answered(tx, site, run)
    findings = check_run(tx, site, run, read, answered=answered)
    if pausing := [found.message for found in findings if found.pauses]:
        return Result(Exit.UNAVAILABLE, "unavailable", "; ".join(pausing), findings)
    if not answered:
        reason = f"no listing of {site.id} could be read: {_why_not(tx, site, run)}"
        return Result(Exit.UNAVAILABLE, "unavailable", reason, findings)
    missed = _missed_pages(tx, site, run)
    if missed:
        reason = f"{missed} page(s) were not fetched or not read; `tinhuyen runs show` names them"
        return Result(Exit.INCOMPLETE, "incomplete", reason, findings)
    if none := [found.message for found in findings if found.check == "no_articles"]:
        return Result(Exit.INCOMPLETE, "incomplete", none[0], findings)
    return Result(Exit.DONE, "finished", findings=findings)


def _answered(tx: Connection, site: Site, run: str) -> bool:
    """Whether the site let us have one of its lists, or said itself that it is not there."""
    lists = select(frontier.c.url).where(frontier.c.site == site.id, frontier.c.role == "list")
    kept_out = select(failure.c.id).where(
        failure.c.capture == capture.c.id, failure.c.kind.in_(SIGNS)
    )
    answered = select(capture.c.id).where(
        capture.c.run == run,
        capture.c.status.in_((200, 304, 404, 410)),
        capture.c.url.in_(lists),
        ~kept_out.exists(),
    )
    return tx.execute(answered.limit(1)).first() is not None


def _why_not(tx: Connection, site: Site, run: str) -> str:
    robots = [f"{origin_of(url)}/robots.txt" for url in site.listings]
    reasons = (
        select(failure.c.message)
        .where(failure.c.run == run, failure.c.url.in_([*robots, *site.listings]))
        .order_by(failure.c.skipped, failure.c.id)
        .limit(1)
    )
    return tx.execute(reasons).scalar() or "the reason was not stored"


def _missed_pages(tx: Connection, site: Site, run: str) -> int:
    """Pages that should have been read: not fetched, or fetched and not read."""
    not_fetched = select(frontier.c.url).where(
        frontier.c.site == site.id, frontier.c.state == "failed", frontier.c.role.in_(_PAGES)
    )
    not_read = select(failure.c.url).where(
        failure.c.run == run, failure.c.stage.in_(("read", "save")), failure.c.skipped == 0
    )
    missed = not_fetched.union(not_read).subquery()
    return int(tx.execute(select(func.count()).select_from(missed)).scalar_one())
