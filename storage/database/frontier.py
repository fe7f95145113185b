"""The frontier: which addresses a site's crawl has still to fetch, kept in the database.

Here is how addresses come in: from listings, from pages, with what is left out of them and why.
How they are handed out is in storage.database.queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, select, true, update

from storage.bounds import Bounds, Traps, without_session
from storage.database import crashes
from storage.database.known_ground import is_new_list, kept_before, last_answers
from storage.database.prepared import Prepared, columns, listed
from storage.database.queue import ROBOTS_PRIORITY, Queue, Room
from storage.database.rules import Rules
from storage.database.schema import frontier
from storage.records import Failure, FrontierRow, Link, Role
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
LAST_CHANCE_PRIORITY: dict[Role, int] = PRIORITY | {"attachment": 15, "requisite": 10}
"""Where it is dying: articles and their images, and the lists that lead to more; then the rest."""

_PAGES = frozenset({"list", "feed", "article", "page"})
_MET_MAX = 20_000

_INSERT = Prepared(
    lambda insert_: (
        insert_(frontier)
        .values(columns(frontier, "id", "list_digest"))
        .on_conflict_do_nothing()
        .returning(frontier.c.url)
    )
)
_PRINTS = Prepared(
    select(frontier.c.fingerprint).where(
        frontier.c.site == bindparam("site"), frontier.c.fingerprint.in_(listed("prints"))
    )
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the frontier knew when a savepoint or a transaction began."""

    meeting: int
    barred: int
    rules: Rules
    busy_origins: set[str]


class Frontier(Queue):
    """The frontier of one run. Its methods work within the caller's transaction."""

    def __init__(
        self,
        site: str,
        run: str,
        *,
        update_only: bool,
        last_chance: bool = False,
        bounds: Bounds | None = None,
    ) -> None:
        """`update_only`: lists until known ground; `last_chance`: what was never kept, the most
        needed first. Neither asks again for articles and files that an earlier run kept.
        """
        super().__init__(site, run)
        self._update_only, self._skips_kept = update_only, update_only or last_chance
        self._priority = LAST_CHANCE_PRIORITY if last_chance else PRIORITY
        self._goes_on_with = true() if last_chance else frontier.c.role == "robots"
        self._traps = Traps(bounds or Bounds())
        self._met: set[str] = set()  # addresses that need not be looked at again; a cache
        self._meeting: list[str] = []  # those of the open transaction

    def open(self, tx: Connection, seeds: Iterable[Link], *, resumed: bool) -> None:
        """Begin a run with these addresses, or go on with one."""
        if resumed:
            self.rules.load(tx)
            self._queue_failed(tx, self._goes_on_with)
        else:
            self._clear(tx)
        self._rank(tx)
        self._has_suspects = crashes.has_suspects(tx, self.site)
        for origin in self._count_known(tx):
            self._meet(tx, origin)
        self.add(tx, seeds, None)

    def claim(self, tx: Connection, room: Room, now: float) -> list[FrontierRow]:
        """Take the next rows; in an update, of pages with their last answers."""
        rows = super().claim(tx, room, now)
        if not self._update_only:
            return rows
        last = last_answers(tx, self.site, [row.url for row in rows if row.role in _PAGES])
        return [replace(row, last=last.get(row.url)) for row in rows]

    def _count_known(self, tx: Connection) -> list[str]:
        """Note the patterns of what is in the table; returns its origins."""
        known = select(frontier.c.url, frontier.c.role, frontier.c.origin).where(
            frontier.c.site == self.site
        )
        origins = set()
        for url, role, origin in tx.execute(known.execution_options(yield_per=1000)):
            origins.add(origin)
            self._traps.count(Link(url, role))
        return sorted(origins)

    def _rank(self, tx: Connection) -> None:
        """What another run or a recovery left queued comes in this run's order."""
        rank = case(self._priority, value=frontier.c.role)
        mine = (frontier.c.site == self.site) & (frontier.c.state == "queued")
        tx.execute(update(frontier).where(mine, frontier.c.priority != rank).values(priority=rank))

    def _clear(self, tx: Connection) -> None:
        """Forget what is done. What failed is tried again: its bytes were never kept."""
        mine = frontier.c.site == self.site
        tx.execute(delete(frontier).where(mine, frontier.c.state.in_(("done", "skipped"))))
        tx.execute(delete(frontier).where(mine, frontier.c.role == "robots"))
        self._queue_failed(tx, frontier.c.role != "robots")

    def _queue_failed(self, tx: Connection, which: Any) -> None:
        failed = (frontier.c.site == self.site) & (frontier.c.state == "failed")
        tx.execute(
            update(frontier)
            .where(failed, which)
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
                "priority": self._priority[row.role],
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
        rows: dict[bytes, dict[str, Any]] = {}
        left: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        for link, parent in found:
            if link.url in self._met:
                continue
            why = self._traps.why_not(link, parent.depth if parent else 0)
            if why is not None:
                left[parent.url if parent else link.url, *why].append(link.url)
                continue
            row = self._row_of(link, parent)
            if rows.setdefault(row["fingerprint"], row) is row:
                self._traps.count(link)
        for origin in {row["origin"] for row in rows.values()}:
            self._meet(tx, origin)
        self._insert(tx, list(rows.values()))
        self._leave(tx, left)

    def _insert(self, tx: Connection, rows: list[dict[str, Any]]) -> None:
        self._meeting += [row["url"] for row in rows if row["role"] != "robots"]
        new = {url for (url,) in _INSERT.insert(tx, rows)}
        for row in rows:
            if row["url"] not in new:  # it was there already
                self._traps.count(Link(row["url"], row["role"]), -1)

    def _leave(self, tx: Connection, left: dict[tuple[str, str, str], list[str]]) -> None:
        """Links that are left are counted, a failure for each page and reason."""
        if not left:
            return
        prints = [fingerprint(url) for urls in left.values() for url in urls]
        known = {row[0] for row in _PRINTS.rows(tx, {"site": self.site, "prints": prints})}
        for (page, kind, message), urls in left.items():
            new = [url for url in dict.fromkeys(urls) if fingerprint(url) not in known]
            if kind != "too_deep":  # which a shorter way may lead to
                self._meeting += new
            if new:
                more = f", and {len(new) - 1} more on this page" if len(new) > 1 else ""
                what = Failure("frontier", kind, f"{message}; named by {page}{more}", skipped=True)
                self._note(tx, new[0], what)

    def mark(self) -> Mark:
        """Where a savepoint or a transaction begins; for `undo`."""
        return Mark(
            len(self._meeting), len(self.barred), self.rules.copy(), set(self._busy_origins)
        )

    def undo(self, mark: Mark) -> None:
        """It was rolled back: what it queued, and the hosts that it met, are not in the tables."""
        del self._meeting[mark.meeting :], self.barred[mark.barred :]
        self.rules, self._busy_origins = mark.rules.copy(), set(mark.busy_origins)

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
        if self.rules.meet(origin):
            link = Link(f"{origin}/robots.txt", "robots")
            self._insert(tx, [self._row_of(link, None)])

    def _row_of(self, link: Link, parent: FrontierRow | None) -> dict[str, Any]:
        hops = _hops(link, parent)
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
            "priority": self._priority[link.role],
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

    def _wanted(self, tx: Connection, parent: FrontierRow, links: Iterable[Link]) -> list[Link]:
        links = self._within_page(tx, parent, list(map(without_session, links)))
        articles = [link for link in links if link.role == "article" and link.news_at is None]
        known = kept_before(tx, self.site, self.run, links) if self._skips_kept else set()
        ground = known if self._update_only else set()
        fresh = any(link.url not in ground for link in articles)
        on = fresh and is_new_list(tx, self.site, parent, articles)
        return [link for link in links if link.url not in known and (on or not link.paging)]

    def _within_page(self, tx: Connection, parent: FrontierRow, links: list[Link]) -> list[Link]:
        """The links without the files beyond what a page may have."""
        most = self._traps.bounds.max_files
        files = list(dict.fromkeys(link.url for link in links if link.hop == "E"))
        if len(files) <= most:
            return links
        message = f"the page names {len(files)} files; the first {most} are fetched"
        self._note(tx, parent.url, Failure("frontier", "too_many_files", message, skipped=True))
        rest = set(files[most:])
        return [link for link in links if link.url not in rest]

    def set_rules(self, tx: Connection, row: FrontierRow, text: str) -> None:
        """From now on this holds for the origin whose robots.txt the row brought."""
        self.rules.set(tx, self._open_origin(row), text)

    def close_origin(self, tx: Connection, row: FrontierRow, why: Failure) -> None:
        """The row should have brought an origin's robots.txt, and could not."""
        self.rules.close(tx, self._open_origin(row), why)

    def _open_origin(self, row: FrontierRow) -> str:
        origin = origin_of(row.via or row.url)
        self._busy_origins.add(origin)
        return origin


def _hops(link: Link, parent: FrontierRow | None) -> str:
    """The way from a listing, as in Heritrix's hop path. N: by next pages of a list, any number."""
    if parent is None:
        return ""
    if link.paging:
        return parent.hops if parent.hops.endswith("N") else parent.hops + "N"
    return parent.hops + link.hop
