"""The frontier: which addresses a site's crawl still has to fetch, kept in the database.

Rows go queued -> claimed -> done, failed or skipped, or back to queued for another try. A run
takes over what an earlier one left queued; when a run ends, nothing is queued.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from protego import Protego
from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update

from storage import times
from storage.database import crashes
from storage.database.prepared import Prepared, columns, listed
from storage.database.schema import capture, failure, frontier, robots
from storage.records import FrontierRow, Link, Role
from storage.urls import fingerprint, origin_of

ROBOTS_AGENT = "tinhuyen"
"""The name that robots.txt rules are looked up under."""

PRIORITY: dict[Role, int] = {
    "robots": 100,
    "article": 60,
    "image": 50,
    "attachment": 45,
    "requisite": 40,
    "list": 30,
    "feed": 25,
    "page": 20,
}
"""An article and what belongs to it before the next list: a portal may die in mid-crawl."""

_MET_MAX = 100_000

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
    .order_by(frontier.c.priority.desc(), frontier.c.id)
    .limit(literal_column("1"))
)
_CLAIM = Prepared(update(frontier).where(frontier.c.id.in_(listed("rows"))).values(state="claimed"))
_SET_STATE = Prepared(
    update(frontier)
    .where(frontier.c.id.in_(listed("rows")))
    .values(state=bindparam("state"), tries=frontier.c.tries + 1, due=bindparam("due"))
)
_INSERT = Prepared(
    lambda insert_: (
        insert_(frontier).values(columns(frontier, "id", "list_digest")).on_conflict_do_nothing()
    )
)
_SAVE_RULES = Prepared(
    lambda insert_: (
        insert_(robots)
        .values(columns(robots))
        .on_conflict_do_update(
            index_elements=["site", "origin"],
            set_={
                "rules": insert_(robots).excluded.rules,
                "run": insert_(robots).excluded.run,
            },
        )
    )
)
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


_KEPT_ONCE = frozenset({"article", "image", "attachment", "requisite"})


@dataclass(frozen=True, slots=True)
class Finished:
    """A row after a try."""

    row: FrontierRow
    state: str
    """`done`, `failed`, or `queued` for another try."""
    due: float = 0.0
    """When it may be tried again, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the frontier knew when a savepoint or a transaction began."""

    meeting: int
    rules: dict[str, Protego | None]
    busy_origins: set[str]
    barred: int


class Frontier:
    """The frontier of one run. Its methods work within the caller's transaction."""

    def __init__(self, site: str, run: str, *, update_only: bool) -> None:
        self.site, self.run, self._update_only = site, run, update_only
        self._rules: dict[str, Protego | None] = {}  # None: robots.txt not seen yet
        self._busy_origins: set[str] = set()  # those that may have queued rows
        self._met: set[str] = set()  # addresses that are surely in the table; a cache
        self._meeting: list[str] = []  # those of the open transaction
        self._has_suspects = False
        self.barred: list[dict[str, Any]] = []
        """Failures of rows that robots.txt barred in the open transaction."""

    def open(self, tx: Connection, seeds: Iterable[Link], *, resumed: bool) -> None:
        """Begin a run with these addresses, or go on with one."""
        if resumed:
            for row in tx.execute(
                select(robots.c.origin, robots.c.rules).where(
                    robots.c.site == self.site, robots.c.run == self.run
                )
            ):
                self._rules[row.origin] = Protego.parse(row.rules)
        else:
            self._clear(tx)
        self._has_suspects = crashes.has_suspects(tx, self.site)
        for origin in tx.execute(
            select(frontier.c.origin).where(frontier.c.site == self.site).distinct()
        ).scalars():
            self._meet(tx, origin)
        self.add(tx, seeds, None)

    def _clear(self, tx: Connection) -> None:
        """Forget what is done. What failed is tried again: its bytes were never kept."""
        mine = frontier.c.site == self.site
        tx.execute(delete(frontier).where(mine, frontier.c.state.in_(("done", "skipped"))))
        tx.execute(delete(frontier).where(mine, frontier.c.role == "robots"))
        tx.execute(
            update(frontier)
            .where(mine, frontier.c.state == "failed")
            .values(state="queued", tries=0, due=0.0, crashes=crashes.FORGIVEN)
        )

    def hand_back(self, tx: Connection) -> None:
        """Queue what was claimed and not finished."""
        tx.execute(
            update(frontier)
            .where(frontier.c.site == self.site, frontier.c.state == "claimed")
            .values(state="queued")
        )
        self._has_suspects = crashes.has_suspects(tx, self.site)

    def find(self, tx: Connection, print_: bytes) -> FrontierRow | None:
        """The row of this fingerprint; None if the frontier does not know it (any more)."""
        row = tx.execute(
            select(*_ROW).where(frontier.c.site == self.site, frontier.c.fingerprint == print_)
        ).first()
        return FrontierRow(*row) if row else None

    def meet(self, tx: Connection, row: FrontierRow, print_: bytes) -> FrontierRow:
        """The row with its id here; made, as claimed, if the frontier does not know it."""
        known = self.find(tx, print_)
        if known is None:
            if row.role != "robots":
                self._meet(tx, row.origin)
            values = {
                "site": self.site,
                "fingerprint": print_,
                "state": "claimed",
                "priority": PRIORITY[row.role],
                "crashes": 0,
                "due": 0.0,
            }
            self._insert(tx, [asdict(row) | values])
            known = self.find(tx, print_)
            assert known is not None
        return replace(row, id=known.id)

    def add(self, tx: Connection, links: Iterable[Link], parent: FrontierRow | None) -> None:
        """Queue the addresses that this run has not met."""
        self._add(tx, [(link, parent) for link in links])

    def _add(self, tx: Connection, found: Iterable[tuple[Link, FrontierRow | None]]) -> None:
        new = [(link, parent) for link, parent in found if link.url not in self._met]
        rows: dict[bytes, dict[str, Any]] = {}
        for link, parent in new:
            row = self._row_of(link, parent)
            rows.setdefault(row["fingerprint"], row)
        for origin in {row["origin"] for row in rows.values()}:
            self._meet(tx, origin)
        self._insert(tx, list(rows.values()))

    def _insert(self, tx: Connection, rows: list[dict[str, Any]]) -> None:
        self._meeting += [row["url"] for row in rows if row["role"] != "robots"]
        _INSERT.insert(tx, rows)

    def mark(self) -> Mark:
        """Where a savepoint or a transaction begins; for `undo`."""
        return Mark(
            len(self._meeting), dict(self._rules), set(self._busy_origins), len(self.barred)
        )

    def undo(self, mark: Mark) -> None:
        """It was rolled back: what it queued, and the hosts that it met, are not in the tables."""
        del self._meeting[mark.meeting :]
        del self.barred[mark.barred :]
        self._rules, self._busy_origins = dict(mark.rules), set(mark.busy_origins)

    def committed(self) -> None:
        """The transaction lasts: what it queued need not be asked for again."""
        self.barred = []
        if len(self._met) + len(self._meeting) > _MET_MAX:
            self._met.clear()
        self._met.update(self._meeting)
        self._meeting = []

    def _meet(self, tx: Connection, origin: str) -> None:
        """A new host: its robots.txt is a row like any other, but first."""
        self._busy_origins.add(origin)
        if origin not in self._rules:
            self._rules[origin] = None
            link = Link(f"{origin}/robots.txt", "robots")
            self._insert(tx, [self._row_of(link, None)])

    def _row_of(self, link: Link, parent: FrontierRow | None) -> dict[str, Any]:
        hops = (parent.hops + link.hop) if parent else ""
        via = parent.url if parent else None
        subject = ""
        if link.role == "robots":
            via = (parent.via or parent.url) if parent else link.url  # whose rules it brings
            subject = f"robots of {origin_of(via)}"
        return {
            "site": self.site,
            "url": link.url,
            "fingerprint": fingerprint(link.url, subject),
            "origin": origin_of(link.url),
            "role": link.role,
            "state": "queued",
            "priority": PRIORITY[link.role],
            "depth": hops.count("L"),
            "hops": hops,
            "via": via,
            "tries": 0,
            "crashes": 0,
            "due": 0.0,
        }

    def add_found(
        self, tx: Connection, found: Iterable[tuple[FrontierRow, tuple[Link, ...]]]
    ) -> None:
        """Queue what pages name, but not for ever: lists end at known ground.

        The next page of a list is followed unless this one names no article, names just the
        articles that another list of this run named (a server that answers every page number
        with the same page), or, in an update, names none that an earlier run had not kept.
        """
        self._add(
            tx,
            [(link, parent) for parent, links in found for link in self._wanted(tx, parent, links)],
        )

    def _wanted(self, tx: Connection, parent: FrontierRow, links: tuple[Link, ...]) -> list[Link]:
        articles = [link for link in links if link.role == "article"]
        known = self._known(tx, links) if self._update_only else set()
        fresh = any(link.url not in known for link in articles)
        on = fresh and self._is_new_list(tx, parent, articles)
        return [link for link in links if link.url not in known and (on or not link.paging)]

    def _is_new_list(self, tx: Connection, parent: FrontierRow, articles: list[Link]) -> bool:
        if parent.role not in ("list", "feed", "page") or not articles:
            return True
        names = "\n".join(sorted({link.url for link in articles}))
        digest = hashlib.blake2b(names.encode(), digest_size=16).digest()
        same = select(frontier.c.id).where(
            frontier.c.site == self.site,
            frontier.c.list_digest == digest,
            frontier.c.id != parent.id,
        )
        if tx.execute(same.limit(1)).first() is not None:
            return False
        tx.execute(update(frontier).where(frontier.c.id == parent.id).values(list_digest=digest))
        return True

    def _known(self, tx: Connection, links: tuple[Link, ...]) -> set[str]:
        """Articles and files that an earlier run has kept; lists are always looked at again."""
        return self._kept_before(tx, [link.url for link in links if link.role in _KEPT_ONCE])

    def _kept_before(self, tx: Connection, urls: list[str]) -> set[str]:
        """Those that an earlier run captured soundly."""
        if not urls:
            return set()
        sound = select(capture.c.url).where(
            capture.c.site == self.site,
            capture.c.url.in_(urls),
            capture.c.run != self.run,
            capture.c.truncated.is_(None),
            capture.c.status < 400,
        )
        return set(tx.execute(sound).scalars())

    def set_rules(self, tx: Connection, row: FrontierRow, rules: str) -> None:
        """From now on these rules hold for the origin whose robots.txt the row brought."""
        origin = origin_of(row.via or row.url)
        self._rules[origin] = Protego.parse(rules)
        self._busy_origins.add(origin)
        values = {"site": self.site, "origin": origin, "rules": rules, "run": self.run}
        _SAVE_RULES.insert(tx, [values])

    def finish(self, tx: Connection, rows: Sequence[Finished]) -> None:
        """The rows were tried once more; this is what became of them."""
        groups: defaultdict[tuple[str, float], list[int]] = defaultdict(list)
        for one in rows:
            groups[one.state, one.due].append(one.row.id)
            if one.state == "queued":
                self._busy_origins.add(one.row.origin)
        for (state, due), ids in groups.items():
            _SET_STATE.run(tx, {"rows": ids, "state": state, "due": due})

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
            rules = self._rules[suspect.origin]
            if rules is None and suspect.role != "robots":
                return []
            if _may_fetch(rules, suspect):
                return self._mark_claimed(tx, [suspect])
            self._skip(tx, [suspect])
        return []

    def _claim_origin(
        self, tx: Connection, origin: str, room: int, now: float
    ) -> list[FrontierRow]:
        rules = self._rules[origin]
        allowed: list[FrontierRow] = []
        while (want := room - len(allowed)) > 0:
            rows = self._queued(tx, origin, want, now, only_robots=rules is None)
            barred = [row for row in rows if not _may_fetch(rules, row)]
            allowed += self._mark_claimed(tx, [row for row in rows if row not in barred])
            self._skip(tx, barred)
            if len(rows) < want:
                if rules is not None and not self._has_later(tx, origin):
                    self._busy_origins.discard(origin)
                break
            if not barred:
                break
        return allowed

    def _queued(
        self, tx: Connection, origin: str, count: int, now: float, *, only_robots: bool
    ) -> list[FrontierRow]:
        lowest = PRIORITY["robots"] if only_robots else 0
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

    def _skip(self, tx: Connection, barred: list[FrontierRow]) -> None:
        for row in barred:
            tx.execute(update(frontier).where(frontier.c.id == row.id).values(state="skipped"))
            values = {
                "run": self.run,
                "site": self.site,
                "url": row.url,
                "at": times.utc_text(times.now()),
                "stage": "frontier",
                "kind": "robots",
                "skipped": 1,
                "message": f"{row.origin}/robots.txt disallows it",
            }
            tx.execute(insert(failure), values)
            self.barred.append(values)

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


def _may_fetch(rules: Protego | None, row: FrontierRow) -> bool:
    if row.role == "robots":
        return True
    return rules is not None and rules.can_fetch(row.url, ROBOTS_AGENT)
