"""Imports lived through again, for a rebuild: the files are there, and what was made of them.

Nothing is kept, journaled or transcribed anew: what each import brought follows from its files, the
journal (who gave them, which hosts are read by which family) and the sites as they are declared.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from sqlalchemy import Engine, func, select, update

from crawler.acquire.hosts import Hosts
from crawler.acquire.pending import Later
from crawler.acquire.take_in import Intake
from crawler.acquire.tally import Tally
from crawler.acquire.unpack import kind_of
from crawler.processes import Processes
from crawler.sites import Site
from storage.archive import Archive
from storage.database.connect import writing
from storage.database.donations import Donation, save_donation, set_taken_in
from storage.database.schema import capture, run
from storage.journal import History
from storage.warc import index
from storage.warc.cdxj import Lines

Say = Callable[[str], None]


def import_again(
    archive: Archive, engine: Engine, sites: dict[str, Site], history: History, say: Say
) -> int:
    """Take in every donated file that the journal names, in its order; returns how many.

    Raises NotFound, OSError, ArchiveFault.
    """
    processes, hosts = Processes(), Hosts(archive, engine, sites, known=True)
    try:
        for one in history.donations.values():
            intake = Intake(engine, one.run, hosts, Tally(), processes)
            _take_in(archive, engine, intake, one)
            say(f"{one.file}: taken in")
    finally:
        processes.close()
    later = Later(archive, engine, Tally())
    for site in sites.values():
        if hosts.is_read(site):
            later.read(site)
    _tell_outcomes(engine, history)
    return len(history.donations)


def _take_in(archive: Archive, engine: Engine, intake: Intake, one: Donation) -> None:
    path = archive.folder.file(one.file)
    with writing(engine) as tx:
        save_donation(tx, one)
    if kind_of(path) == "warc":
        with closing(Lines(one.file)) as lines:
            intake.take_in(path, one.file, lines)
            index.write(archive.folder, one.file, lines.sorted())
    with writing(engine) as tx:
        set_taken_in(tx, one.file)


def _tell_outcomes(engine: Engine, history: History) -> None:
    with writing(engine) as tx:
        for told in history.runs.values():
            if told.row["kind"] == "import":
                tx.execute(update(run).where(run.c.id == told.row["id"]).values(**told.row))


def count_donated(engine: Engine) -> int:
    """How many captures are of donated files."""
    of_donated = capture.c.warc_file.startswith("donated/")
    with engine.connect() as connection:
        count = select(func.count()).select_from(capture).where(of_donated)
        return int(connection.execute(count).scalar_one())
