"""Rebuilds the database: the history of every site lived through again, without the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from crawler.acquire.again import count_donated, import_again
from crawler.acquire.hosts import host_site
from crawler.attachments.read import read_attachments
from crawler.outcome import Limits
from crawler.recover import Reader, close_files
from crawler.site_rows import row_of, site_of
from crawler.sites import Site, find_site, load_sites
from storage import rebuild as new
from storage.archive import Archive
from storage.database.articles import count_articles
from storage.database.captures import pending_captures
from storage.database.connect import open_database, writing
from storage.database.decisions import tell_decisions
from storage.database.donations import IMPORTS
from storage.database.frontier import Frontier
from storage.database.likeness import update_likeness
from storage.database.runs import LAST_CHANCE, SiteRow, save_site
from storage.database.site_states import settle_run
from storage.errors import ArchiveFault, UsageError
from storage.handed_out import HandedOut
from storage.journal import History, read_history
from storage.records import Link
from storage.warc.manifest import read_entries

_AT_ONCE = 64  # captures a transaction
Say = Callable[[str], None]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild made."""

    files: int = 0
    captures: int = 0
    articles: int = 0
    attachments: int = 0
    """Files whose text was looked for."""
    sites: int = 0
    runs: int = 0
    damaged: list[str] = field(default_factory=list)
    """Stretches of WARC files that hold no whole exchange: what stood there is not in it."""
    unknown_lines: int = 0
    """Lines of the journal that nothing here reads."""


def rebuild(archive: Archive, say: Say = lambda what: None) -> Rebuilt:
    """Make the database anew. Raises ArchiveBusy, UsageError, SiteError, ArchiveFault, OSError.

    The same WARC files, manifest and journal give the same rows. What a crawl had still to fetch
    is queued again, and its robots.txt rules hold.
    """
    with archive.folder.whole_lock():
        history = read_history(archive.folder)
        sites = _sites(archive, history)
        _recover(archive, sites, say)
        with new.new_database(archive) as engine:
            rows = [_row_of(site, history) for site in sites.values()]
            new.tell_sites_and_runs(engine, rows, history)
            with writing(engine) as tx:
                tell_decisions(tx, history.decisions)
            done = Rebuilt(sites=len(sites), unknown_lines=history.unknown)
            for name, damage in new.take_in_files(archive.folder, engine):
                done.files += 1
                done.damaged += damage
                say(f"{name}: taken in")
            for site in sites.values():
                if site.id != IMPORTS:
                    _relive(archive, engine, site, history, done, say)
            if history.donations:
                done.files += import_again(archive, engine, sites, history, say)
                done.captures += count_donated(engine)
                done.runs += len({one.run for one in history.donations.values()})
            for site in sites.values():
                with engine.connect() as connection:
                    done.articles += count_articles(connection, site.id)
            done.attachments = read_attachments(archive, engine, say=say).total()
            update_likeness(engine, say)
        return done


def _sites(archive: Archive, history: History) -> dict[str, Site]:
    """Every site that the journal or the manifest names, as declared today if it still is."""
    declared = load_sites(archive.folder.sites)
    sites = {id_: declared.get(id_) or _undeclared(row) for id_, row in history.sites.items()}
    for entry in read_entries(archive.folder):
        if entry.site not in sites:
            sites[entry.site] = find_site(declared, entry.site)
    return sites


def _undeclared(row: dict[str, Any]) -> Site:
    return host_site(row) if row["origin"] == "import" else site_of(row)


def _row_of(site: Site, history: History) -> SiteRow:
    told = history.sites.get(site.id)
    return SiteRow(**told) if told is not None else row_of(site)


def _recover(archive: Archive, sites: dict[str, Site], say: Say) -> None:
    """What a crash left open belongs to the archive too.

    With the old database, as at any start; if it is beyond that, with one that knows nothing.
    """
    open_ones = [site for site in sites.values() if archive.folder.open_files(site.id)]
    if not open_ones:
        return
    with _old_database(archive) as engine:
        for site in open_ones:
            with writing(engine) as tx:
                save_site(tx, row_of(site))
            recovered = close_files(archive, engine, site, HandedOut(archive.folder.warc(site.id)))
            say(f"{site.id}: {recovered.sentence()}")


@contextmanager
def _old_database(archive: Archive) -> Iterator[Engine]:
    """Of PostgreSQL the new one is named, which must stay empty: a passing one knows as much."""
    with TemporaryDirectory() as folder:
        try:
            engine = (
                archive.open_for_writing()
                if archive.is_embedded
                else open_database(f"sqlite:///{folder}/knows-nothing.db")
            )
        except ArchiveFault as fault:
            raise UsageError(
                f"{fault}. Move archive.db away (with archive.db-wal and -shm) and rebuild again"
            ) from fault
        try:
            yield engine
        finally:
            engine.dispose()


def _relive(
    archive: Archive, engine: Engine, site: Site, history: History, done: Rebuilt, say: Say
) -> None:
    """One site's runs, in their order: frontier opened, pages read, failures told, run ended."""
    with writing(engine) as tx:
        runs = new.runs_of(tx, site.id, history)
    for run in runs:
        told = history.runs.get(run)
        done.runs += 1
        if told is not None and told.row["kind"] == "reextract":
            with writing(engine) as tx:
                new.tell_reading_run(tx, told)
            continue
        mode = told.row["mode"] if told else "full"
        frontier = Frontier(
            site.id, run, update_only=mode == "update", last_chance=mode == LAST_CHANCE
        )
        with writing(engine) as tx:
            seeds = [Link(url, "list") for url in site.listings]
            frontier.open(tx, seeds, resumed=False)
            pending = pending_captures(tx, site.id, run)
        frontier.committed()
        reader = Reader(archive, engine, frontier, site, Limits())
        for count in reader.read_all(pending, _AT_ONCE):
            done.captures += count
            say(f"{site.id}: {done.captures} captures read")
        if told is not None:
            with writing(engine) as tx:
                new.tell_failures(tx, told)
                new.tell_outcome(tx, told)
                settle_run(tx, run)
