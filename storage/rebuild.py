"""A new database from WARC files, manifest and journal, beside the old one; swapped in when whole.

Storage opens the new database, fills in what the journal tells and takes in what the files hold;
crawler.rebuild reads it. A rebuild that is killed leaves the old database as it was: the next one
begins anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from storage import files
from storage.archive import Archive
from storage.database.connect import open_database, writing
from storage.database.runs import SiteRow, save_site
from storage.database.schema import capture, failure, frontier, run
from storage.errors import ArchiveBusy, NotHere, UsageError
from storage.folder import ArchiveFolder
from storage.journal import History, RunTold
from storage.take_in import find_holes, read_parts, take_in
from storage.urls import fingerprint
from storage.warc import manifest

NEW, OLD = "archive.db.rebuilding", "archive.db.before-rebuild"
_SIDES = ("", "-wal", "-shm", "-journal")


@contextmanager
def new_database(archive: Archive) -> Iterator[Engine]:
    """An empty database, in the place of the old one when the context ends well.

    The old one is kept as archive.db.before-rebuild. Of PostgreSQL, the database that the archive
    names is filled, and must be empty. The caller holds the whole archive's lock.
    Raises UsageError, ArchiveBusy, ArchiveFault, OSError.
    """
    url = archive.database_url
    if archive.is_embedded:
        _check_kept(archive.folder.root)
        _forget(archive.folder.root / NEW)
        url = f"sqlite:///{archive.folder.root / NEW}"
    engine = open_database(url)
    try:
        _check_empty(engine, url)
        yield engine
    finally:
        engine.dispose()
    if archive.is_embedded:
        _swap(archive.folder.root)


def _check_empty(engine: Engine, url: str) -> None:
    with engine.connect() as connection:
        if connection.execute(select(run.c.id).limit(1)).first() is not None:
            raise UsageError(
                f"{url} holds an archive already; name an empty database, and use that one "
                "afterwards"
            )


def _check_kept(root: Path) -> None:
    old, now = root / OLD, root / "archive.db"
    if old.exists() and now.exists() and old.samefile(now):
        old.unlink()  # a rebuild was killed at its last step
    if old.exists():
        raise UsageError(f"{old} is still there from an earlier rebuild; move it away or delete it")
    if now.exists():
        _free_of_readers(now)  # better now than after hours


def _forget(path: Path) -> None:
    for side in _SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)


def _swap(root: Path) -> None:
    """The new database takes the old one's name in one step; at no moment is there none."""
    new, now = root / NEW, root / "archive.db"
    _into_one_file(new)
    if now.exists():
        _set_aside(now, root / OLD)
    handle = files.open_existing(new)
    files.sync(handle)
    os.close(handle)
    files.rename(new, now)
    files.sync_folder(root)


def _set_aside(now: Path, old: Path) -> None:
    if not _free_of_readers(now):
        for side in _SIDES[1:]:  # nothing of it may be taken for the new one's
            with suppress(FileNotFoundError):
                now.with_name(now.name + side).rename(old.with_name(old.name + side))
    os.link(now, old)


def _free_of_readers(now: Path) -> bool:
    """Whether all of it is in one file. False if it is damaged: that may be why it is rebuilt."""
    try:
        _into_one_file(now)
    except sqlite3.OperationalError as error:
        raise ArchiveBusy(
            f"{now} is in use ({error}); stop what reads it (`tinhuyen serve`?) and rebuild again"
        ) from error
    except sqlite3.DatabaseError:
        return False
    return True


def _into_one_file(path: Path) -> None:
    """Bring the write-ahead log home: a log that stays behind would be applied to a stranger."""
    connection = sqlite3.connect(path, timeout=5)
    try:
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    finally:
        connection.close()


def take_in_files(folder: ArchiveFolder, engine: Engine) -> Iterator[tuple[str, list[str]]]:
    """Take in every closed file of the manifest that is our own, as pending.

    Yields the name of each, and its damage in words: bytes that hold no whole exchange, or that it
    is nowhere.
    """
    for entry in manifest.read_entries(folder):
        if entry.file.startswith("donated/"):
            continue  # an import takes them in again
        try:
            path = folder.file(entry.file)
        except NotHere as missing:  # lost with the machine that wrote it: the rest is not
            yield entry.file, [str(missing)]
            continue
        parts = list(read_parts(path))
        with writing(engine) as tx:
            take_in(tx, entry.site, entry.file, parts)
        holes = find_holes(parts, path.stat().st_size)
        yield (
            entry.file,
            [f"{entry.file}: bytes {a} to {b} hold no whole exchange" for a, b in holes],
        )


def tell_sites_and_runs(engine: Engine, sites: Iterable[SiteRow], history: History) -> None:
    """Fill in sites, and the runs that the journal tells, as if all of them still went on."""
    with writing(engine) as tx:
        for row in sites:
            save_site(tx, row)
        for told in history.runs.values():
            tx.execute(insert(run), told.row | dict.fromkeys(_ENDED))


_ENDED = ("finished_at", "outcome", "reason", "counts", "findings")


def tell_reading_run(tx: Connection, told: RunTold) -> None:
    """A run whose captures come from elsewhere: one that read them again, or a rescue.

    What it accepted is read so today, what it rescued is taken in with donated files; the rest is
    its story.
    """
    for row in told.failures.values():
        tx.execute(insert(failure), row)
    ended = {name: told.row[name] for name in _ENDED}
    tx.execute(update(run).where(run.c.id == told.row["id"]).values(**ended))


def runs_of(tx: Connection, site: str, history: History) -> list[str]:
    """Ids of a site's runs in their order, which is the journal's; before them, unknown ones."""
    mine = select(run.c.id).where(run.c.site == site).order_by(run.c.started_at, run.c.id)
    found = list(tx.execute(mine).scalars())
    told = [id_ for id_ in history.runs if id_ in found]
    return [id_ for id_ in found if id_ not in history.runs] + told


def tell_failures(tx: Connection, told: RunTold) -> None:
    """Fill in what failed or was barred without bytes, and end its frontier rows.

    An address that was captured after its failure was told did not fail in the end: a crash came
    before the failure was committed, and it was fetched again.
    """
    for row in told.failures.values():
        later = select(capture.c.id).where(
            capture.c.run == row["run"],
            capture.c.url == row["url"],
            capture.c.fetched_at > row["at"],
        )
        if tx.execute(later.limit(1)).first() is None:
            if not _is_told(tx, row):
                tx.execute(insert(failure), row)
            _end_row(tx, row)


def _is_told(tx: Connection, row: dict[str, Any]) -> bool:
    """Links that are left alone are found again where their page was read again."""
    same = [failure.c[name] == row[name] for name in ("run", "url", "kind")]
    return tx.execute(select(failure.c.id).where(*same).limit(1)).first() is not None


def _end_row(tx: Connection, row: dict[str, Any]) -> None:
    """A robots.txt that could not be had is asked for again: its row has another fingerprint."""
    tx.execute(
        update(frontier)
        .where(
            frontier.c.site == row["site"],
            frontier.c.fingerprint == fingerprint(row["url"], ""),
            frontier.c.state == "queued",
        )
        .values(state="skipped" if row["skipped"] else "failed")
    )


def tell_outcome(tx: Connection, told: RunTold) -> None:
    """A run that has ended: its outcome, and nothing is queued any more, unless another took over.

    What is queued here and was not there then: a page that today's code finds more links on.
    """
    ended = {name: told.row[name] for name in _ENDED}
    tx.execute(update(run).where(run.c.id == told.row["id"]).values(**ended))
    if ended["finished_at"] is None or ended["outcome"] == "superseded":
        return
    mine = frontier.c.site == told.row["site"]
    tx.execute(
        update(frontier)
        .where(mine, frontier.c.state.in_(("queued", "claimed")))
        .values(state="skipped")
    )
