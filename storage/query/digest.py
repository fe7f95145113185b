"""What happened in an archive since some moment, site by site: the matter of a digest."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.schema import job, run, schedule, site
from storage.errors import Exit
from storage.times import utc_text

_LATE = timedelta(minutes=10)
"""A run's end may become visible so much later than it happened: a slow commit, another clock."""
_ENDS = (Exit.DONE, Exit.INCOMPLETE, Exit.UNAVAILABLE)
"""Of crawls whose run says itself how it went."""


@dataclass(slots=True)
class SiteNews:
    """What happened at a site. A run is counted once, when it has ended, and then whole."""

    site: str
    runs: int = 0
    new: int = 0
    """Articles. In runs of a version that did not tell the two apart, changed ones as well."""
    changed: int = 0
    gone: int = 0
    failed: int = 0
    """Addresses that should have been fetched and read, and were not."""
    outcome: str | None = None
    """Of the last run that ended; None if none did."""
    reason: str | None = None
    broken: str | None = None
    """How a crawl by schedule ended that came to no end of its run: `killed by signal 9`."""
    paused: list[str] = field(default_factory=list)
    """Modes of its schedules that are paused now."""
    findings: list[str] = field(default_factory=list)
    """What the checks of its runs found, in words; each once."""

    @property
    def is_quiet(self) -> bool:
        """Whether all of it went well, and there is nothing to tell."""
        counts = (self.new, self.changed, self.gone, self.failed)
        told = (*counts, self.broken, self.paused, self.findings)
        return self.outcome == "finished" and not any(told)


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened between two moments."""

    since: datetime
    until: datetime
    """Both aware."""
    sites: list[SiteNews]
    """Those at which something ended, broke or rests, by id."""
    all_sites: int
    """How many the archive has met."""
    runs: tuple[str, ...]
    """The runs that ended shortly before `until`: for the next digest's `told`."""

    def total(self, name: str) -> int:
        """The sum over all sites of `new`, `changed`, `gone`, `failed` or `runs`."""
        return sum(getattr(one, name) for one in self.sites)

    def as_json(self) -> dict[str, Any]:
        """For `--json` and webhooks; times are UTC text."""
        return {
            "since": utc_text(self.since),
            "until": utc_text(self.until),
            **{name: self.total(name) for name in ("runs", "new", "changed", "gone", "failed")},
            "sites": [asdict(one) for one in self.sites],
        }


def make_digest(
    connection: Connection, since: datetime, until: datetime, told: Collection[str] | None = None
) -> Digest:
    """What ended after `since`, up to `until`.

    `told`: where an earlier digest ended at `since`, the runs that it counted shortly before; what
    ended then and is none of them is counted now.
    """
    news: dict[str, SiteNews] = {}
    recent = []
    for row in _ended_runs(connection, since if told is None else since - _LATE, until):
        if row.finished_at > utc_text(until - _LATE):
            recent.append(row.id)
        if row.id not in (told or ()):
            _count(news.setdefault(row.site, SiteNews(row.site)), row)
    for id_, outcome in _broken_jobs(connection, since, until):
        news.setdefault(id_, SiteNews(id_)).broken = outcome
    for id_, mode in _paused(connection):
        news.setdefault(id_, SiteNews(id_)).paused.append(mode)
    met = connection.execute(select(func.count()).select_from(site)).scalar_one()
    return Digest(since, until, sorted(news.values(), key=_name), met, tuple(recent))


def _name(one: SiteNews) -> str:
    return one.site


def _ended_runs(connection: Connection, since: datetime, until: datetime) -> Iterator[Any]:
    ends = (run.c.finished_at, run.c.outcome, run.c.reason, run.c.counts, run.c.findings)
    columns = (run.c.id, run.c.site, *ends)
    ended = run.c.finished_at.between(utc_text(since + _STEP), utc_text(until))
    yield from connection.execute(select(*columns).where(ended).order_by(run.c.finished_at))


_STEP = timedelta(microseconds=1)


def _count(news: SiteNews, row: Any) -> None:
    counts = row.counts or {}
    changed = counts.get("changed", 0)
    news.runs += 1
    news.changed += changed
    news.new += counts.get("new_versions", 0) - changed
    news.gone += counts.get("gone", 0)
    news.failed += sum(counts.get("failed", {}).values())
    news.outcome, news.reason = row.outcome, row.reason
    for found in row.findings or ():
        said = f"{found['check']}: {found['message']}"
        if said not in news.findings:
            news.findings.append(said)


def _broken_jobs(connection: Connection, since: datetime, until: datetime) -> Iterator[Any]:
    """Of each site the last attempt, if it broke: one that was to be gone on with did not."""
    columns = (job.c.site, job.c.outcome, job.c.exit_code)
    ended = job.c.finished_at.between(utc_text(since + _STEP), utc_text(until))
    rows = connection.execute(select(*columns).where(ended).order_by(job.c.finished_at, job.c.id))
    last = {row.site: row for row in rows}
    for row in last.values():
        code, stopped = row.exit_code, (row.outcome or "").startswith("stopped")
        if code is not None and code not in (*_ENDS, *_TO_GO_ON) and not stopped:
            yield row.site, row.outcome


_TO_GO_ON = (124, 137, Exit.BUSY)
"""Time was up (timeout(1)), or somebody else crawled it."""


def _paused(connection: Connection) -> Iterator[Any]:
    rows = select(schedule.c.site, schedule.c.mode).where(schedule.c.paused == 1)
    yield from connection.execute(rows.order_by(schedule.c.site, schedule.c.mode))
