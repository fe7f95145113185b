"""The frontier: which addresses a site's crawl still has to fetch, kept in the database.

Rows go queued -> claimed -> done, failed or skipped, or back to queued for another try. A run
takes over what an earlier one left queued; when a run ends, nothing is queued.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, literal_column, select, update

from storage import times
from storage.bounds import Bounds, Traps, without_session
from storage.database.known_ground import is_new_list, kept_before
from storage.database.prepared import Prepared, columns, listed
from storage.database.rules import Refusal, Rules
from storage.database.schema import failure, frontier
from storage.records import Failure, FrontierRow, Link, Role
from storage.urls import fingerprint, origin_of

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
    )
    .order_by(frontier.c.priority.desc(), frontier.c.depth, frontier.c.id)
    .limit(bindparam("count"))
)
_CLAIM = Prepared(update(frontier).where(frontier.c.id.in_(listed("rows"))).values(state="claimed"))
_SET_STATE = Prepared(
    update(frontier)
    .where(frontier.c.id.in_(listed("rows")))
    .values(state=bindparam("state"), tries=frontier.c.tries + 1, due=bindparam("due"))
)
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


class Frontier:
    """The frontier of one run. Its methods work within the caller's transaction."""

    def __init__(
        self, site: str, run: str, *, update_only: bool, bounds: Bounds | None = None
    ) -> None:
        self.site, self.run, self._update_only = site, run, update_only
        self.rules = Rules(site, run)
        self._traps = Traps(bounds or Bounds())
        self._busy_origins: set[str] = set()  # those that may have queued rows
        self._met: set[str] = set()  # addresses that need not be looked at again; a cache
        self._meeting: list[str] = []  # those of the open transaction

    def open(self, tx: Connection, seeds: Iterable[Link], *, resumed: bool) -> None:
        """Begin a run with these addresses, or go on with one."""
        if resumed:
            self.rules.load(tx)
            self._queue_failed(tx, frontier.c.role == "robots")
        else:
            self._clear(tx)
        mine = select(frontier.c.url, frontier.c.role, frontier.c.origin)
        origins = set()
        for url, role, origin in tx.execute(mine.where(frontier.c.site == self.site)):
            origins.add(origin)
            self._traps.count(Link(url, role))
        for origin in sorted(origins):
            self._meet(tx, origin)
        self.add(tx, seeds, None)

    def _clear(self, tx: Connection) -> None:
        """Forget what is done. What failed is tried again: its bytes were never kept."""
        mine = frontier.c.site == self.site
        tx.execute(delete(frontier).where(mine, frontier.c.state.in_(("done", "skipped"))))
        tx.execute(delete(frontier).where(mine, frontier.c.role == "robots"))
        self._queue_failed(tx, frontier.c.role != "robots")

    def _queue_failed(self, tx: Connection, which: Any) -> None:
        failed = (frontier.c.site == self.site) & (frontier.c.state == "failed")
        tx.execute(update(frontier).where(failed, which).values(state="queued", tries=0, due=0.0))

    def hand_back(self, tx: Connection, *, crashed: bool) -> None:
        """Queue what was claimed and not finished; a crash counts against it, a stop does not."""
        tx.execute(
            update(frontier)
            .where(frontier.c.site == self.site, frontier.c.state == "claimed")
            .values(state="queued", crashes=frontier.c.crashes + int(crashed))
        )

    def find(self, tx: Connection, print_: bytes) -> FrontierRow | None:
        """The row of this fingerprint; None if the frontier does not know it (any more)."""
        row = tx.execute(
            select(*_ROW).where(frontier.c.site == self.site, frontier.c.fingerprint == print_)
        ).first()
        return FrontierRow(*row) if row else None

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

    def _note(self, tx: Connection, url: str, what: Failure) -> None:
        values = {
            "run": self.run, "site": self.site, "url": url, "at": times.utc_text(times.now()),
            "stage": what.stage, "kind": what.kind, "skipped": int(what.skipped),
            "message": what.message, "capture": None,
        }  # fmt: skip
        _INSERT_FAILURE.insert(tx, [values])

    def mark(self) -> int:
        """Where a savepoint begins; for `undo`."""
        return len(self._meeting)

    def undo(self, mark: int) -> None:
        """The savepoint was rolled back: what it queued is not in the table."""
        del self._meeting[mark:]

    def committed(self) -> None:
        """The transaction lasts: what it queued need not be asked for again."""
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

    def _wanted(self, tx: Connection, parent: FrontierRow, links: Iterable[Link]) -> list[Link]:
        links = self._within_page(tx, parent, list(map(without_session, links)))
        articles = [link for link in links if link.role == "article"]
        known = kept_before(tx, self.site, self.run, links) if self._update_only else set()
        fresh = any(link.url not in known for link in articles)
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
        claimed: list[FrontierRow] = []
        for origin in sorted(self._busy_origins):
            claimed += self._claim_origin(tx, origin, room(origin), now)
        if claimed:
            _CLAIM.run(tx, {"rows": [row.id for row in claimed]})
        return claimed

    def _claim_origin(
        self, tx: Connection, origin: str, room: int, now: float
    ) -> list[FrontierRow]:
        known = self.rules.are_known(origin)
        allowed: list[FrontierRow] = []
        while (want := room - len(allowed)) > 0:
            rows = self._queued(tx, origin, want, now, only_robots=not known)
            refused = [(row, why) for row in rows if (why := self.rules.why_not(row))]
            barred = {row.id for row, _ in refused}
            allowed += [row for row in rows if row.id not in barred]
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
