"""An import from its paths to its end: files kept, captures taken in, hosts read, the run told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from crawler.acquire.hosts import Hosts, imports_row, known_hosts
from crawler.acquire.keep import Advance, Keeper
from crawler.acquire.pending import Later
from crawler.acquire.recognise import check_family, choose_family
from crawler.acquire.saved_pages import transcribe_page
from crawler.acquire.sources import Source, is_importable
from crawler.acquire.take_in import Intake
from crawler.acquire.tally import Tally
from crawler.acquire.transcribe import transcribe
from crawler.acquire.unpack import Kind, kind_of
from crawler.acquire.wacz import members
from crawler.processes import Processes
from crawler.site_rows import meet_sites
from crawler.sites import load_sites
from storage import journal
from storage.archive import Archive
from storage.database.captures import mark_pending
from storage.database.connect import writing
from storage.database.donations import (
    IMPORTS,
    Donation,
    is_taken_in,
    made_of,
    set_taken_in,
    unfinished,
)
from storage.database.runs import finish_run, start_run
from storage.errors import Exit
from storage.store.file import WarcFile
from storage.warc import index
from storage.warc.cdxj import Lines
from storage.warc.writer import archive_fault

Say = Callable[[str], None]


@dataclass(slots=True)
class Imported:
    """How an import ended."""

    run: str
    exit_code: Exit
    counts: dict[str, Any]
    findings: list[dict[str, Any]]
    files: list[str] = field(default_factory=list)
    """What was kept, or was known already."""
    hosts: dict[str, int] = field(default_factory=dict)
    """Captures of undeclared hosts that were not read, by site."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "run": self.run, "exit_code": int(self.exit_code), "files": self.files,
            "hosts": self.hosts, "counts": self.counts, "findings": self.findings,
        }  # fmt: skip


def import_files(
    archive: Archive,
    sources: Sequence[Source],
    *,
    donor: str,
    terms: str,
    read_as: str | None = None,
    advance: Advance = lambda done: None,
) -> Imported:
    """Keep these files and take in what they hold. Killed and begun again, it goes on.

    `read_as`: the family for hosts that nobody declared, or `auto`; None: they are only kept.
    `advance` is told of bytes, each file's twice. Raises ArchiveBusy, ArchiveFault, UsageError.
    """
    check_family(read_as)
    try:
        with archive.import_lock() as engine, _begun(archive, engine, donor, terms) as work:
            work.advance = advance
            files = list(work.goes_on())
            files += [one for source in sources for one in work.take_in_source(source)]
            if read_as is not None:
                work.read_hosts(read_as)
            work.read_pending()
            return work.finish(list(dict.fromkeys(files)))
    except OSError as error:
        raise archive_fault(error, "the import broke off") from error


@contextmanager
def _begun(archive: Archive, engine: Engine, donor: str, terms: str) -> Iterator[_Import]:
    meet_sites(archive, engine, [imports_row()])
    with writing(engine) as tx:
        run = start_run(tx, IMPORTS, "import", "import")
    # Only then: a run that was told and never begun would stay; this one is told when it goes on.
    journal.note_begun(archive.folder, IMPORTS, run, "import")
    processes, tally = Processes(), Tally()
    hosts = Hosts(archive, engine, load_sites(archive.folder.sites) | known_hosts(engine))
    intake = Intake(engine, run.id, hosts, tally, processes)
    keeper = Keeper(archive, engine, run.id, donor, terms)
    keeper.clear()
    try:
        yield _Import(archive, engine, run.id, intake, keeper)
    finally:
        processes.close()


@dataclass(slots=True)
class _Import:
    archive: Archive
    engine: Engine
    run: str
    intake: Intake
    keeper: Keeper
    advance: Advance = lambda done: None

    @property
    def tally(self) -> Tally:
        return self.intake.tally

    def goes_on(self) -> Iterator[str]:
        """Files that an earlier import kept and did not take in whole."""
        with writing(self.engine) as tx:
            left = unfinished(tx)
        for one in left:
            self.take_in(one)
            yield one.file

    def take_in_source(self, source: Source) -> Iterator[str]:
        """Keep and take in one file that was given; its name in the archive."""
        if not source.named and not is_importable(source.path):
            self.tally.note("left_alone", source.name)
            return
        one, known = self.keeper.keep(source.path, source.name, advance=self.advance)
        with writing(self.engine) as tx:
            done = is_taken_in(tx, one.file)
        if known and done:
            self.tally.note("known_file", one.file, 0, source.name)
            self.advance(one.bytes)
        else:
            self.take_in(one, source.path if isinstance(source.path, Path) else None)
        yield one.file

    def take_in(self, one: Donation, given: Path | None = None) -> None:
        """Everything in a kept file. `given`: the file that was kept, a page's files beside it."""
        path = self.archive.folder.file(one.file)
        kind = kind_of(path)
        if kind in ("empty", "unknown"):
            why = "empty_file" if kind == "empty" else "not_an_archive"
            self.tally.note(why, one.file, 0, one.name)
        elif kind == "wacz":
            self._take_in_members(one, path)
        elif kind == "warc":
            self._take_in_records(one, path)
        else:
            self._take_in_transcribed(one, path, kind, given)
        with writing(self.engine) as tx:
            set_taken_in(tx, one.file)

    def _take_in_members(self, one: Donation, path: WarcFile) -> None:
        for inside, name in members(path, one.file, self.keeper, self.tally):
            held = self.keeper.adopt(inside, name, one.file)
            if held.made_of != one.file:
                self.tally.note("known_file", held.file, 0, name)
            self.take_in(held)
        self.advance(one.bytes)

    def _take_in_records(self, one: Donation, path: WarcFile) -> None:
        with closing(Lines(one.file)) as lines:
            unreachable = self.intake.take_in(path, one.file, lines, self.advance)
            index.write(self.archive.folder, one.file, lines.sorted())
        if unreachable:
            self._take_in_transcribed(one, path, "warc", None)

    def _take_in_transcribed(
        self, one: Donation, path: WarcFile, kind: Kind, given: Path | None
    ) -> None:
        with writing(self.engine) as tx:
            made = made_of(tx, one.file)
        if not made:
            scratch = self.keeper.incoming / "unpacked"
            with self.keeper.new_file() as (new, out):
                if kind == "page":
                    page = given or self.archive.folder.root / one.file  # pages always stay here
                    transcribe_page(page, one, out, self.tally)
                else:
                    transcribe(path, one, kind, scratch, out, self.tally)
            made = [self.keeper.adopt(new, f"{Path(one.name).name}.records.warc.gz", one.file)]
        for each in made:
            self._take_in_records(each, self.archive.folder.file(each.file))
            with writing(self.engine) as tx:
                set_taken_in(tx, each.file)
        if kind != "warc":
            self.advance(one.bytes)

    def read_hosts(self, read_as: str) -> None:
        """Give undeclared hosts a family, and have read what was kept of them."""
        for site in known_hosts(self.engine).values():
            if self.intake.hosts.is_read(site):
                continue
            family, why = choose_family(self.archive, self.engine, site, read_as)
            if family is None:
                continue
            with writing(self.engine) as tx:
                mark_pending(tx, site.id)
            self.intake.hosts.give_family(site, family)
            self.intake.hosts.unread.pop(site.id, None)
            self.tally.note("read_as", site.id, 0, f"{family}: {why}")

    def read_pending(self) -> None:
        """Revisits, hosts that got their family now, and what a killed import left of both."""
        later = Later(self.archive, self.engine, self.tally)
        for site in self.intake.hosts.all():
            if self.intake.hosts.is_read(site):
                later.read(site)

    def finish(self, files: list[str]) -> Imported:
        """End the run, in the database and the journal."""
        hosts = self.intake.hosts.unread
        for id_, count in sorted(hosts.items()):
            self.tally.note("undeclared_host", id_, 0, f"{count} captures")
        unread, findings = self.tally.unread, self.tally.findings()
        outcome = "incomplete" if unread else "finished"
        reason = f"{unread} time(s) something could not be read" if unread else None
        with writing(self.engine) as tx:
            ended = finish_run(tx, self.run, outcome, reason, findings)
            journal.note_finished(self.archive.folder, IMPORTS, ended)
        code = Exit.INCOMPLETE if unread else Exit.DONE
        return Imported(self.run, code, ended.counts, ended.findings, files, dict(hosts))
