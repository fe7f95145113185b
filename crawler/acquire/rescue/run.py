"""A rescue from the index of a public archive to its end: listed, estimated, fetched, kept, told.

Each capture is written to our WARC file and synced, then saved, before the next is asked for. A
kill loses at most the one under way: the same command asks the index again and passes over what
is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from crawler import settings
from crawler.acquire.hosts import Hosts, known_hosts
from crawler.acquire.pending import Later
from crawler.acquire.rescue import kept_files
from crawler.acquire.rescue.archives import PublicArchive
from crawler.acquire.rescue.estimate import Estimate, look
from crawler.acquire.rescue.fetch import Refused, fetch, source_of
from crawler.acquire.rescue.listing import Listed, Span, list_captures
from crawler.acquire.rescue.service import Service
from crawler.acquire.take_in import Intake
from crawler.acquire.tally import Tally
from crawler.attachments.read import read_after_crawl
from crawler.processes import Processes
from crawler.site_rows import meet_sites, row_of
from crawler.sites import Site, load_sites
from storage import journal
from storage.archive import Archive
from storage.database.connect import writing
from storage.database.donations import is_taken_in, save_donation, set_taken_in
from storage.database.runs import count_run, finish_run, note_reason, start_run
from storage.errors import Exit, OutOfDisk, PublicArchiveUnavailable, SiteUnavailable
from storage.keeper import no_room
from storage.warc import index
from storage.warc.cdxj import Lines
from storage.warc.writer import archive_fault


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how a rescue goes on."""

    indexed: Callable[[int, int], object] = lambda done, of: None
    estimated: Callable[[Estimate], object] = lambda estimate: None
    fetched: Callable[[int], object] = lambda size: None
    """One capture more, of so many bytes; 0: it did not come."""
    waiting: Callable[[str], object] = lambda why: None


@dataclass(frozen=True, slots=True)
class Rescued:
    """How a rescue ended."""

    run: str | None
    """None where only the index was asked."""
    exit_code: Exit
    estimate: Estimate
    left: int
    """Captures to fetch that the limit left."""
    counts: dict[str, Any] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"exit_code": int(self.exit_code)}


def rescue(
    archive: Archive,
    site: Site,
    public: PublicArchive,
    span: Span,
    *,
    limit: int | None = None,
    watch: Watch | None = None,
) -> Rescued:
    """Fetch what a public archive caught of a site and we do not hold, oldest first.

    `limit`: at most so many captures; 0: only ask the index; None: all. Killed or stopped and
    begun again, it goes on. Raises SiteUnavailable (no address), PublicArchiveUnavailable,
    ArchiveBusy, ArchiveFault, UsageError.
    """
    check_hosts(site)
    span.bounds()
    watch = watch or Watch()
    service = Service(public.delay_seconds, watch.waiting)
    try:
        with archive.site_lock(site.id) as engine:
            work = _Rescue(archive, engine, site, public, service, watch)
            meet_sites(archive, engine, [row_of(site)])
            work.settle_left()
            listing = list_captures(public, service, site.hosts, span, watch.indexed)
            wanted, estimate = look(engine, public, site.hosts, listing, work.tally)
            watch.estimated(estimate)
            if limit == 0:
                return Rescued(None, Exit.DONE, estimate, len(wanted))
            with work.run():
                work.fetch(wanted[:limit])
            done = work.finish(estimate, len(wanted[limit:]) if limit is not None else 0)
        read_after_crawl(archive, [site.id])
        return done
    except OSError as error:
        raise archive_fault(error, "the rescue broke off") from error


def check_hosts(site: Site) -> None:
    """Raise SiteUnavailable for a site that no archive can be asked for."""
    if not site.hosts:
        raise SiteUnavailable(
            f"{site.id} ({site.name}) has no known address, so no archive can be asked for it. "
            'Name where it once was, `hosts = ["…"]`, in its table '
            f"({site.file}) or in one of your own (docs/add-a-site.md); a portal that is gone "
            "needs no listings."
        )


@dataclass(slots=True)
class _Rescue:
    archive: Archive
    engine: Engine
    site: Site
    public: PublicArchive
    service: Service
    watch: Watch
    tally: Tally = field(default_factory=Tally)
    id: str = ""
    barred: int = 0
    """Captures in a row that the archive forbade: it may have barred us."""

    @contextmanager
    def run(self) -> Iterator[None]:
        """A run, begun or gone on with. One that is broken off stays open, its file closed."""
        with writing(self.engine) as tx:
            run = start_run(tx, self.site.id, "rescue", self.public.name)
        if run.superseded is not None:
            journal.note_finished(self.archive.folder, self.site.id, run.superseded)
        journal.note_begun(self.archive.folder, self.site.id, run, "rescue")
        self.id = run.id
        try:
            yield
        except (PublicArchiveUnavailable, OutOfDisk, KeyboardInterrupt) as error:
            self.settle_left()
            reason = f"stopped: {error}" if str(error) else "stopped"
            with writing(self.engine) as tx:
                note_reason(tx, run.id, reason)
            journal.note(self.archive.folder, "run_stopped", self.site.id, run.id, reason=reason)
            raise

    def fetch(self, wanted: Sequence[Listed]) -> None:
        """Each of these, kept before the next is asked for."""
        out = kept_files.OpenFile(self.archive.folder, self.site.id, self.id, self.public)
        intake = self._intake(self.id)
        try:
            for one in wanted:
                self._check_room()
                size = self._fetch(one, out, intake)
                self.watch.fetched(size)
                if out.is_full and (path := out.leave()) is not None:
                    self.settle(path)
        finally:
            out.leave()
            intake.processes.close()

    def _fetch(self, one: Listed, out: kept_files.OpenFile, intake: Intake) -> int:
        try:
            got = fetch(self.public, self.service, one)
        except Refused as refused:
            source = source_of(self.public, one)
            self._check_barred(refused, source)
            self.tally.note(refused.kind, source, one.offset, f"{one.moment} {one.url}: {refused}")
            return 0
        self.barred = 0
        intake.take(out.append(got))
        return got.served_bytes

    def _check_barred(self, refused: Refused, source: str) -> None:
        self.barred = self.barred + 1 if refused.is_barred else 0
        if self.barred >= settings.BUSY_ANSWERS_MAX:
            raise PublicArchiveUnavailable(
                f"{source} and {self.barred - 1} captures before it were not given: {refused}. "
                "What came is kept; the same command goes on later."
            )

    def _intake(self, run: str) -> Intake:
        sites = load_sites(self.archive.folder.sites) | known_hosts(self.engine)
        hosts = Hosts(self.archive, self.engine, sites | {self.site.id: self.site})
        return Intake(self.engine, run, hosts, self.tally, Processes())

    def _check_room(self) -> None:
        lacking = no_room(self.archive.folder, settings.DISK_FLOOR_BYTES)
        if lacking is not None:
            raise lacking

    def settle_left(self) -> None:
        """Close and take in what a kill, or the end of a run, left."""

        def is_done(name: str) -> bool:
            with self.engine.connect() as connection:
                return is_taken_in(connection, name)

        for path in kept_files.unsettled(self.archive.folder, self.site.id, is_done):
            self.settle(path)

    def settle(self, path: Path) -> None:
        """Close a file, take in what the database lacks of it, and only then call it done."""
        one = kept_files.close_file(self.archive.folder, path)
        if one is None:
            return
        folder, file = self.archive.folder, self.archive.folder.file(one.file)
        intake = self._intake(one.run)
        with closing(intake.processes), closing(Lines(one.file)) as lines:
            intake.take_in(file, one.file, lines)
            index.write(folder, one.file, lines.sorted())
        with writing(self.engine) as tx:
            save_donation(tx, one)
            set_taken_in(tx, one.file)

    def finish(self, estimate: Estimate, left: int) -> Rescued:
        """End the run, in the database and the journal."""
        self.settle_left()
        Later(self.archive, self.engine, self.tally).read(self.site)
        unread = self.tally.unread
        reason = f"{unread} capture(s) did not come; `tinhuyen runs show` names them"
        with writing(self.engine) as tx:
            counts = count_run(tx, self.id) | {"listed": estimate.listed, "held": estimate.held}
            ended = finish_run(
                tx, self.id, "incomplete" if unread else "finished", reason if unread else None,
                self.tally.findings(), counts,
            )  # fmt: skip
            journal.note_finished(self.archive.folder, self.site.id, ended)
        code = Exit.INCOMPLETE if unread else Exit.DONE
        return Rescued(self.id, code, estimate, left, ended.counts, ended.findings)
