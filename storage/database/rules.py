"""robots.txt as it holds for the origins of a run (RFC 9309): archived, obeyed, kept for bad days.

An origin whose robots.txt cannot be had (§2.3.1.4: server or network errors) is closed for now:
its rows end as failed, and the next run asks again. If a good copy of the last 30 days is there,
that holds instead (§2.4 allows it where robots.txt is unreachable).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from protego import Protego
from sqlalchemy import Connection, select, update

from storage import times
from storage.database.prepared import Prepared, columns
from storage.database.schema import robots
from storage.records import Failure, FrontierRow

ROBOTS_AGENT = "tinhuyen"
"""The name that robots.txt rules are looked up under."""

COPY_DAYS = 30
"""A copy of robots.txt holds for so long while the server cannot give a new one."""


def _save(insert_: object) -> object:
    statement = insert_(robots).values(columns(robots))  # type: ignore[operator]
    new = statement.excluded
    changed = {"rules": new.rules, "run": new.run, "fetched_at": new.fetched_at}
    return statement.on_conflict_do_update(index_elements=["site", "origin"], set_=changed)


_SAVE = Prepared(_save)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is not fetched."""

    kind: str
    message: str
    for_now: bool
    """Nobody said no: a later run may find it open."""


class Rules:
    """The rules of one run. Its methods work within the caller's transaction."""

    def __init__(self, site: str, run: str) -> None:
        self._site, self._run = site, run
        self._parsed: dict[str, Protego | None] = {}  # None: not seen yet
        self._closed: dict[str, Failure] = {}  # origins whose robots.txt cannot be had

    def copy(self) -> Rules:
        """As they stand, for a transaction that is rolled back."""
        copied = Rules(self._site, self._run)
        copied._parsed, copied._closed = dict(self._parsed), dict(self._closed)
        return copied

    def load(self, tx: Connection) -> None:
        """Go on with what this run has seen before."""
        mine = (robots.c.site == self._site) & (robots.c.run == self._run)
        for row in tx.execute(select(robots.c.origin, robots.c.rules).where(mine)):
            self._parsed[row.origin] = Protego.parse(row.rules)

    def meet(self, origin: str) -> bool:
        """Whether the origin is new to the run: then its robots.txt is to be fetched."""
        is_new = origin not in self._parsed
        self._parsed.setdefault(origin, None)
        return is_new

    def are_known(self, origin: str) -> bool:
        """Whether robots.txt has been asked for, whatever came of it."""
        return self._parsed.get(origin) is not None or origin in self._closed

    def set(self, tx: Connection, origin: str, text: str) -> None:
        """From now on this robots.txt holds for the origin."""
        self._hold(origin, text)
        now = times.utc_text(times.now())
        values = {"rules": text, "run": self._run, "fetched_at": now}
        _SAVE.insert(tx, [values | {"site": self._site, "origin": origin}])

    def close(self, tx: Connection, origin: str, why: Failure) -> None:
        """robots.txt cannot be had: the last good copy holds, or else nothing may be fetched."""
        oldest = times.utc_text(times.now() - timedelta(days=COPY_DAYS))
        here = (robots.c.site == self._site) & (robots.c.origin == origin)
        copy = select(robots.c.rules).where(here, robots.c.fetched_at >= oldest)
        text = tx.execute(copy).scalar()
        if text is None:
            self._closed[origin] = why
        else:
            self._hold(origin, text)
            tx.execute(update(robots).where(here).values(run=self._run))

    def _hold(self, origin: str, text: str) -> None:
        self._parsed[origin] = Protego.parse(text)
        self._closed.pop(origin, None)

    def why_not(self, row: FrontierRow) -> Refusal | None:
        """Why a row may not be fetched; None if it may."""
        if row.role == "robots":
            return None
        closed, rules = self._closed.get(row.origin), self._parsed.get(row.origin)
        if closed is not None:
            return _closed(row.origin, closed)
        if rules is None or not rules.can_fetch(row.url, ROBOTS_AGENT):
            return Refusal("robots", f"{row.origin}/robots.txt disallows it", for_now=False)
        return None

    def crawl_delay(self, origin: str) -> float | None:
        """Seconds between two requests that robots.txt asks for; None if it does not."""
        rules = self._parsed.get(origin)
        return rules.crawl_delay(ROBOTS_AGENT) if rules is not None else None


def _closed(origin: str, why: Failure) -> Refusal:
    if why.kind == "forbidden_address":
        return Refusal(why.kind, why.message, for_now=True)
    message = f"{origin}/robots.txt cannot be had, so nothing may be fetched for now: {why.message}"
    return Refusal("robots_unreachable", message, for_now=True)
