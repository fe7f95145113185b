"""Reads every stored capture again with today's rules, site by site; what changed is proposed.

A site's captures are read by several processes and saved by this one, a batch a transaction. Killed
at any moment it goes on: a batch proposes the same however often it is read, and what is accepted
is taken over from what is proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from sqlalchemy import Connection, Engine

from crawler.processes import Processes
from crawler.reextract.batches import Asked, batches, count_captures, sites_of
from crawler.reextract.reader import Answer, Batch, Reader, read_batch
from crawler.reextract.tally import Tally
from crawler.sites import Site
from storage import journal, times
from storage.archive import Archive
from storage.database.connect import writing
from storage.database.proposals import accept_some, propose, save_unread, withdraw
from storage.database.runs import (
    StartedRun,
    begin_accepting,
    count_run,
    counted,
    finish_run,
    start_run,
)

_ACCEPTED_AT_ONCE = 200
Say = Callable[[str, int, int], None]
"""Told what is done, how many captures of it, and of how many."""


def compare(archive: Archive, asked: Asked, say: Say) -> Iterator[Tally]:
    """Read again and tell what changed; nothing is kept. Yields a tally a site.

    Raises UsageError, NotFound, SiteError, ArchiveFault.
    """
    asked.check()
    sites = sites_of(archive, asked)
    with _reading(archive) as read:
        for site in sites:
            tally = Tally(site.id)
            for answer in _answers(archive, site, asked, read, say):
                tally.add(answer, 0)
            yield tally


def reextract(archive: Archive, asked: Asked, by: str | None, say: Say) -> Iterator[Tally]:
    """Read again and propose what changed; accept it at once if `by` says who does.

    Yields a tally a site. Raises UsageError, NotFound, SiteError, ArchiveBusy, ArchiveFault,
    OSError; run again, it goes on.
    """
    asked.check()
    sites = sites_of(archive, asked)
    with _reading(archive) as read:
        for site in sites:
            with archive.site_lock(site.id) as engine:
                yield _Site(archive, engine, site, asked, read, say).run(by)


ALONE = 32
"""Batches that are read here: two thousand captures take about what starting processes does."""
Read = Callable[[Iterator[Batch]], Iterator[Answer]]


@contextmanager
def _reading(archive: Archive) -> Iterator[Read]:
    """What reads batches, in several processes if there are many."""
    database = None if archive.is_embedded else archive.database_url
    reader = Reader(str(archive.folder.root), database)
    here = partial(read_batch, archive)
    with closing(Processes(ALONE)) as processes:
        yield lambda of: (done for _, done in processes.in_order(reader, of, here))


def _answers(
    archive: Archive, site: Site, asked: Asked, read: Read, say: Say
) -> Iterator[Answer]:  # fmt: skip
    of, done = count_captures(archive, [site], asked), 0
    for answer in read(batches(archive, site, asked)):
        yield answer
        done += answer.captures
        say(f"{site.id}: read again", done, of)


class _Site:
    """One site, whose lock is held."""

    def __init__(
        self, archive: Archive, engine: Engine, site: Site, asked: Asked, read: Read, say: Say
    ) -> None:  # fmt: skip
        self._archive, self._folder, self._engine = archive, archive.folder, engine
        self._site, self._asked, self._read, self._say = site, asked, read, say

    def run(self, by: str | None) -> Tally:
        started = self._start("accept" if by else "propose")
        with self._engine.connect() as tx:
            reason, counts = counted(tx, started.id)
        if counts is not None:  # it was killed while it took over what was accepted
            tally = Tally.counted(self._site.id, started.id, counts)
        else:
            journal.note_begun(self._folder, self._site.id, started, "reextract")
            tally = self._propose(started.id)
            if by and tally.changed:
                reason = self._decide(tally, by)
        if reason is not None:
            self._take_over(tally)
        self._finish(tally, reason)
        return tally

    def _start(self, how: str) -> StartedRun:
        words = self._asked.in_words()
        mode = f"{how}: {words}" if words else how
        with writing(self._engine) as tx:
            started = start_run(tx, self._site.id, "reextract", mode)
            if started.superseded is not None:
                journal.note_finished(self._folder, self._site.id, started.superseded)
        return started

    def _propose(self, run: str) -> Tally:
        tally = Tally(self._site.id, run)
        for answer in _answers(self._archive, self._site, self._asked, self._read, self._say):
            with writing(self._engine) as tx:
                spoiled = self._keep(tx, run, answer)
            tally.add(answer, spoiled)
        return tally

    def _keep(self, tx: Connection, run: str, answer: Answer) -> int:
        """What a batch proposes takes the place of what was proposed; returns what it spoiled."""
        withdraw(tx, answer.read)
        spoiled = {}
        if answer.changed:
            spoiled = propose(tx, self._site.id, run, answer.changed)
        failed = [("bad_record", *why) for why in answer.unreadable.values()]
        failed += [("not_kept", answer.shown[id_][1], why) for id_, why in spoiled.items()]
        rows = [self._failure(run, *one) for one in failed]
        if rows:
            journal.note_failures(self._folder, rows)
            save_unread(tx, rows)
        return len(spoiled)

    def _failure(self, run: str, kind: str, url: str, why: str) -> dict[str, object]:
        stage, at = "save" if kind == "not_kept" else "read", times.utc_text(times.now())
        row = {"run": run, "site": self._site.id, "url": url, "at": at, "stage": stage}
        return row | {"kind": kind, "skipped": 0, "message": why, "capture": None}

    def _decide(self, tally: Tally, by: str) -> str:
        """From here on it is accepted, whatever happens: the journal says so first."""
        assert tally.run is not None
        reason = f"accepted by {by}"
        with writing(self._engine) as tx:
            counts = count_run(tx, tally.run) | tally.counts()
            decided = {"reason": reason, "counts": counts}
            journal.note_accepted(self._folder, self._site.id, tally.run, decided)
            begin_accepting(tx, tally.run, reason, counts)
        return reason

    def _take_over(self, tally: Tally) -> None:
        assert tally.run is not None
        done = 0
        while some := self._accept_some(tally.run):
            done += some
            self._say(f"{self._site.id}: accepted", done, tally.changed)
        tally.accepted = True

    def _accept_some(self, run: str) -> int:
        with writing(self._engine) as tx:
            return accept_some(tx, self._site.id, run, _ACCEPTED_AT_ONCE)

    def _finish(self, tally: Tally, reason: str | None) -> None:
        assert tally.run is not None
        with writing(self._engine) as tx:
            kept = count_run(tx, tally.run)
            tally.unreadable = sum(kept["failed"].values())
            outcome = "incomplete" if tally.unreadable else "finished"
            counts = kept | tally.counts()
            ended = finish_run(tx, tally.run, outcome, reason, counts=counts)
            journal.note_finished(self._folder, self._site.id, ended)
