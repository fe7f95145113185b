"""What the checks of one run look at: the run, and the runs before it that it is measured by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, and_, or_, select

from crawler.sites import Site
from storage import times
from storage.database.schema import run, site_state
from storage.database.site_states import is_set_aside
from storage.records import Capture, Record

ReadRecord = Callable[[Record], Capture]
"""What a record holds. Raises WarcError, NotFound."""


@dataclass(frozen=True, slots=True)
class Look:
    """One run, seen with its past."""

    tx: Connection
    site: Site
    run: str
    mode: str
    day: date
    """The run's, local."""
    started_at: str
    past: tuple[str, ...]
    """Earlier runs, oldest first: those that got something and are not set aside. They begin anew
    with the last one that somebody accepted: from there on this is the site."""

    @classmethod
    def at(cls, tx: Connection, site: Site, run_id: str) -> Look:
        """The look at a run."""
        row = tx.execute(select(run.c.mode, run.c.started_at).where(run.c.id == run_id)).one()
        day = times.parse_utc(row.started_at).astimezone(times.LOCAL).date()
        past = _past(tx, site.id, run_id, row.started_at)
        return cls(tx, site, run_id, row.mode, day, row.started_at, past)


def _past(tx: Connection, site: str, run_id: str, started_at: str) -> tuple[str, ...]:
    opened = select(site_state.c.run).where(
        site_state.c.site == site, site_state.c.state == "open", site_state.c.run.is_not(None)
    )
    accepted = set(tx.execute(opened).scalars())
    earlier = (
        select(run.c.id)
        .where(
            run.c.site == site,
            run.c.kind == "crawl",
            run.c.id != run_id,
            run.c.started_at < started_at,
            or_(
                run.c.outcome.in_(("finished", "incomplete")),
                and_(run.c.finished_at.is_not(None), run.c.id.in_(accepted)),
            ),
        )
        .order_by(run.c.started_at, run.c.id)
    )
    runs = [id_ for id_ in tx.execute(earlier).scalars() if not is_set_aside(tx, id_)]
    begin = max((index for index, id_ in enumerate(runs) if id_ in accepted), default=0)
    return tuple(runs[begin:])
