"""The queue in the database: rows handed out, refused by robots.txt, finished, handed back.

Rows go queued -> claimed -> done, failed or skipped, or back to queued for another try. A run
takes over what an earlier one left queued; when a run ends, nothing is queued.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update

from storage import times
from storage.database import crashes
from storage.database.prepared import Prepared, columns, listed
from storage.database.rules import Refusal, Rules
from storage.database.schema import failure, frontier
from storage.records import Failure, FrontierRow

ROBOTS_PRIORITY = 100
"""Before everything else of an origin."""

Room = Callable[[str], int]
"""How many more rows of this origin the crawl takes now."""

_ROW = (
    frontier.c.id,
    frontier.c.url,
    frontier.c.origin,
    frontier.c.role,
    frontier.c.depth,
    frontier.c.hops,
    frontier.c.via,
    frontier.c.tries,
)
_CLAIMABLE = Prepared(
    select(*_ROW)
    .where(
        frontier.c.site == bindparam("site"),
        frontier.c.origin == bindparam("origin"),
        frontier.c.state == literal_column("'queued'"),
        frontier.c.due <= bindparam("now"),
        frontier.c.priority >= bindparam("lowest"),
        crashes.IS_NO_SUSPECT,
    )
    .order_by(frontier.c.priority.desc(), frontier.c.depth, frontier.c.id)
    .limit(bindparam("count"))
)
_NEXT_SUSPECT = Prepared(
    select(*_ROW)
    .where(
        frontier.c.site == bindparam("site"),
        frontier.c.state == literal_column("'queued'"),
        frontier.c.due <= bindparam("now"),
        crashes.IS_SUSPECT,
    )
    .order_by(  # the least suspected first, so that the culprit keeps no innocent one waiting
        frontier.c.role != literal_column("'robots'"), frontier.c.crashes, frontier.c.id
    )
    .limit(literal_column("1"))
)
_CLAIM = Prepared(update(frontier).where(frontier.c.id.in_(listed("rows"))).values(state="claimed"))
_SET_STATE = Prepared(
    update(frontier)
    .where(frontier.c.id.in_(listed("rows")))
    .values(state=bindparam("state"), tries=frontier.c.tries + 1, due=bindparam("due"))
)
_INSERT_FAILURE = Prepared(insert(failure).values(columns(failure, "id")))
_HAS_QUEUED = Prepared(
    select(frontier.c.id)
    .where(
        frontier.c.site == bindparam("site"),
        frontier.c.origin == bindparam("origin"),
        frontier.c.state == literal_column("'queued'"),
    )
    .limit(literal_column("1"))
)
_NEXT_DUE = Prepared(
    select(func.min(frontier.c.due)).where(
        frontier.c.site == bindparam("site"),
        frontier.c.state == literal_column("'queued'"),
        frontier.c.due > literal_column("0"),
    )
)


@dataclass(frozen=True, slots=True)
class Finished:
    """A row after a try."""

    row: FrontierRow
    state: str
    """`done`, `failed`, or `queued` for another try."""
    due: float = 0.0
    """When it may be tried again, epoch seconds."""


class Queue:
    """The rows of one run. Its methods work within the caller's transaction."""

    def __init__(self, site: str, run: str) -> None:
        self.site, self.run = site, run
        self.rules = Rules(site, run)
        self._busy_origins: set[str] = set()  # those that may have queued rows
        self._has_suspects = False
        self.barred: list[dict[str, Any]] = []
        """Failures of addresses that were left out in the open transaction."""

    def find(self, tx: Connection, print_: bytes) -> FrontierRow | None:
        """The row of this fingerprint; None if the frontier does not know it (any more)."""
        row = tx.execute(
            select(*_ROW).where(frontier.c.site == self.site, frontier.c.fingerprint == print_)
        ).first()
        return FrontierRow(*row) if row else None

    def claim(self, tx: Connection, room: Room, now: float) -> list[FrontierRow]:
        """Take the next rows of every origin that has room; what robots.txt forbids is skipped."""
        if self._has_suspects and crashes.is_claimed(tx, self.site, suspect=True):
            return []  # it is tried alone
        claimed: list[FrontierRow] = []
        for origin in sorted(self._busy_origins):
            claimed += self._claim_origin(tx, origin, room(origin), now)
        if self._has_suspects and not claimed:
            claimed = self._claim_suspect(tx, now)
        return claimed

    def _mark_claimed(self, tx: Connection, rows: list[FrontierRow]) -> list[FrontierRow]:
        """At once, so that the next look at the queue does not find them again."""
        if rows:
            _CLAIM.run(tx, {"rows": [row.id for row in rows]})
        return rows

    def _claim_suspect(self, tx: Connection, now: float) -> list[FrontierRow]:
        """The next row that must be tried alone, if nothing else is on its way."""
        if crashes.is_claimed(tx, self.site, suspect=False):
            return []
        while found := _NEXT_SUSPECT.rows(tx, {"site": self.site, "now": now}):
            suspect = FrontierRow(*found[0])
            if suspect.role != "robots" and not self.rules.are_known(suspect.origin):
                return []
            why = self.rules.why_not(suspect)
            if why is None:
                return self._mark_claimed(tx, [suspect])
            self._refuse(tx, [(suspect, why)])
        return []

    def _claim_origin(
        self, tx: Connection, origin: str, room: int, now: float
    ) -> list[FrontierRow]:
        known = self.rules.are_known(origin)
        allowed: list[FrontierRow] = []
        while (want := room - len(allowed)) > 0:
            rows = self._queued(tx, origin, want, now, only_robots=not known)
            refused = [(row, why) for row in rows if (why := self.rules.why_not(row))]
            barred = {row.id for row, _ in refused}
            free = [row for row in rows if row.id not in barred]
            allowed += self._mark_claimed(tx, free)
            self._refuse(tx, refused)
            if len(rows) < want:
                if known and not self._has_later(tx, origin):
                    self._busy_origins.discard(origin)
                break
            if not refused:
                break
        return allowed

    def _queued(
        self, tx: Connection, origin: str, count: int, now: float, *, only_robots: bool
    ) -> list[FrontierRow]:
        lowest = ROBOTS_PRIORITY if only_robots else 0
        values = {
            "site": self.site,
            "origin": origin,
            "now": now,
            "lowest": lowest,
            "count": count,
        }
        return [FrontierRow(*row) for row in _CLAIMABLE.rows(tx, values)]

    def _has_later(self, tx: Connection, origin: str) -> bool:
        """Whether rows wait for their time."""
        values = {"site": self.site, "origin": origin}
        return bool(_HAS_QUEUED.rows(tx, values))

    def _refuse(self, tx: Connection, refused: list[tuple[FrontierRow, Refusal]]) -> None:
        for row, why in refused:
            state = "failed" if why.for_now else "skipped"
            tx.execute(update(frontier).where(frontier.c.id == row.id).values(state=state))
            what = Failure("frontier", why.kind, why.message, skipped=not why.for_now)
            self._note(tx, row.url, what)

    def next_due(self, tx: Connection) -> float | None:
        """When the next queued row falls due, epoch seconds; None if none waits."""
        [(due,)] = _NEXT_DUE.rows(tx, {"site": self.site})
        return None if due is None else float(due)

    def count_queued(self, tx: Connection) -> int:
        """How many rows are still to be fetched."""
        open_ = (
            select(func.count())
            .select_from(frontier)
            .where(frontier.c.site == self.site, frontier.c.state.in_(("queued", "claimed")))
        )
        return int(tx.execute(open_).scalar_one())

    def finish(self, tx: Connection, rows: Sequence[Finished]) -> None:
        """The rows were tried once more; this is what became of them."""
        groups: defaultdict[tuple[str, float], list[int]] = defaultdict(list)
        for one in rows:
            groups[one.state, one.due].append(one.row.id)
            if one.state == "queued":
                self._busy_origins.add(one.row.origin)
        for (state, due), ids in groups.items():
            _SET_STATE.run(tx, {"rows": ids, "state": state, "due": due})

    def hand_back(self, tx: Connection) -> None:
        """Queue what was claimed and not finished."""
        tx.execute(
            update(frontier)
            .where(frontier.c.site == self.site, frontier.c.state == "claimed")
            .values(state="queued")
        )
        self._has_suspects = crashes.has_suspects(tx, self.site)

    def _note(self, tx: Connection, url: str, what: Failure) -> None:
        values = {
            "run": self.run, "site": self.site, "url": url, "at": times.utc_text(times.now()),
            "stage": what.stage, "kind": what.kind, "skipped": int(what.skipped),
            "message": what.message, "capture": None,
        }  # fmt: skip
        _INSERT_FAILURE.insert(tx, [values])
        self.barred.append(values)
