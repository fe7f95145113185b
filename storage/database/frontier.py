"""The frontier: which addresses a site's crawl has to fetch; how they come into the queue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from protego import Protego
from sqlalchemy import Connection, delete, select, update

from storage.database import crashes
from storage.database.prepared import Prepared, columns
from storage.database.queue import ROBOTS_PRIORITY, Queue
from storage.database.schema import capture, frontier, robots
from storage.records import FrontierRow, Link, Role
from storage.urls import fingerprint, origin_of

PRIORITY: dict[Role, int] = {
    "robots": ROBOTS_PRIORITY,
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
_KEPT_ONCE = frozenset({"article", "image", "attachment", "requisite"})


@dataclass(frozen=True, slots=True)
class Mark:
    """What the frontier knew when a savepoint or a transaction began."""

    meeting: int
    rules: dict[str, Protego | None]
    busy_origins: set[str]
    barred: int


class Frontier(Queue):
    """The frontier of one run. Its methods work within the caller's transaction."""

    def __init__(self, site: str, run: str, *, update_only: bool) -> None:
        super().__init__(site, run)
        self._update_only = update_only
        self._met: set[str] = set()  # addresses that are surely in the table; a cache
        self._meeting: list[str] = []  # those of the open transaction

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
