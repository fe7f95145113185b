"""Figures of each site that cost little however large the archive is: for whoever asks often.

What a run kept stands in its row once it has ended; only of runs under way it is counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.articles import has_version
from storage.database.runs import count_run
from storage.database.schema import article, capture, frontier, job, run, schedule, site
from storage.database.site_states import newest_states
from storage.database.work_queue import count_waiting

IMPORT = "import"
OF_STORED = ("reextract", "rescue")
"""Kinds of runs that say nothing of how a site is today."""


@dataclass(slots=True)
class SiteFigures:
    """What an archive holds of a site, and what is to come."""

    state: str | None = None
    """As decided last (storage.database.site_states), else as declared; None if only scheduled."""
    captures: int = 0
    warc_bytes: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Of all its runs, by kind; what was skipped by rule is none."""
    runs: Counter[str] = field(default_factory=Counter)
    """By outcome, `under way` too."""
    findings: list[str] = field(default_factory=list)
    """What the checks of its newest run found."""
    articles: dict[str, int] = field(default_factory=dict)
    """By state: live, changed, gone."""
    queued: int = 0
    """Addresses still to be fetched."""
    last_good_at: str | None = None
    """When it last answered a crawl soundly, UTC text; None if it never did."""
    next_due: str | None = None
    """UTC text; None if nothing is scheduled, or all of it is paused."""


def site_figures(connection: Connection) -> dict[str, SiteFigures]:
    """By site: those that the archive has met, and those that are scheduled."""
    figures: defaultdict[str, SiteFigures] = defaultdict(SiteFigures)
    for id_, state in connection.execute(select(site.c.id, site.c.state)):
        figures[id_].state = state
    for id_, decided in newest_states(connection).items():
        figures[id_].state = decided.state
    _count_runs(connection, figures)
    of_state = (article.c.site, article.c.state)
    for id_, state, number in connection.execute(
        select(*of_state, func.count()).where(has_version()).group_by(*of_state)
    ):
        figures[id_].articles[state] = number
    for id_, number in connection.execute(_QUEUED):
        figures[id_].queued = number
    for id_, at in connection.execute(_DUE):
        figures[id_].next_due = at
    return dict(figures)


def _count_runs(connection: Connection, figures: defaultdict[str, SiteFigures]) -> None:
    answered: dict[str, str] = {}  # by site, the newest crawl that it answered
    for row, counts in _runs(connection):
        _add_run(figures[row.site], row.kind, row.outcome, counts)
        if row.kind not in OF_STORED:
            figures[row.site].findings = [found["check"] for found in row.findings or ()]
        if row.kind == "crawl" and counts.get("by_status", {}).keys() & {"200", "304"}:
            answered[row.site] = row.id
    for id_, at in connection.execute(_last_good(answered.values())):
        figures[id_].last_good_at = at
    for id_, number, size in connection.execute(_IMPORTED):
        figures[id_].captures += number
        figures[id_].warc_bytes += int(size)


def _runs(connection: Connection) -> Iterator[tuple[Any, dict[str, Any]]]:
    columns = (run.c.id, run.c.site, run.c.kind, run.c.outcome, run.c.counts, run.c.findings)
    for row in connection.execute(select(*columns).order_by(run.c.started_at)).all():
        yield row, row.counts or count_run(connection, row.id)


def _add_run(
    figures: SiteFigures, kind: str, outcome: str | None, counts: dict[str, Any]
) -> None:  # fmt: skip
    if kind != IMPORT:  # its captures are of many sites
        figures.captures += counts.get("captures", 0)
        figures.warc_bytes += counts.get("warc_bytes", 0)
    figures.failures.update(counts.get("failed", {}))
    figures.runs[outcome or "under way"] += 1


_IMPORTED = (
    select(capture.c.site, func.count(), func.sum(capture.c.warc_length))
    .join(run, run.c.id == capture.c.run)
    .where(run.c.kind == IMPORT)
    .group_by(capture.c.site)
)
_QUEUED = (
    select(frontier.c.site, func.count())
    .where(frontier.c.state == "queued")
    .group_by(frontier.c.site)
)
_DUE = (
    select(schedule.c.site, func.min(schedule.c.due_at))
    .where(schedule.c.paused == 0)
    .group_by(schedule.c.site)
)


def _last_good(runs: Iterable[str]) -> Any:
    """A query for site and time of the last sound capture of each of these runs."""
    newest = (
        select(capture.c.fetched_at)
        .where(
            capture.c.run == run.c.id,
            capture.c.status.in_((200, 304)),
            capture.c.truncated.is_(None),
        )
        .order_by(capture.c.id.desc())
        .limit(1)
    )
    return select(run.c.site, newest.scalar_subquery()).where(run.c.id.in_(list(runs)))


def open_jobs(connection: Connection) -> dict[str, int]:
    """How many crawls by schedule are `queued` and `running`."""
    counted = select(job.c.state, func.count()).where(job.c.state != "done")
    found = connection.execute(counted.group_by(job.c.state))
    counts = {"queued": 0, "running": 0} | {state: number for state, number in found}
    return counts | {"queued": counts["queued"] + count_waiting(connection)}
