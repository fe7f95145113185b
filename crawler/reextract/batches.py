"""Which captures are read again, in batches that follow one another in their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from crawler.pages import FAMILIES
from crawler.reextract.reader import Batch, Held
from crawler.site_rows import site_of
from crawler.sites import Site, load_sites
from storage import times
from storage.archive import Archive
from storage.database.schema import capture, site
from storage.errors import NotFound, NotHere, UsageError
from storage.query.access import Audience
from storage.records import Record

_AT_ONCE = 64
"""Captures a batch, and a transaction: a crawl waits for that long at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; None: all."""

    site: str | None = None
    since: str | None = None
    """A day: captures of it and later ones."""
    family: str | None = None
    file: str | None = None
    """A WARC file's lasting name: `warc/demo/….warc.gz`."""

    def check(self) -> None:
        """Raise UsageError for a day that is none, or a family that there is not."""
        if self.family is not None and self.family not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise UsageError(f"no family {self.family!r}; there are {known}")
        self.first_moment()

    def first_moment(self) -> str:
        """From when on, UTC text; '' if from the beginning. Raises UsageError."""
        if self.since is None:
            return ""
        try:
            day = date.fromisoformat(self.since)
        except ValueError as error:
            raise UsageError(f"--since is a day like 2024-03-01, not {self.since!r}") from error
        return times.utc_text(datetime(day.year, day.month, day.day, tzinfo=times.LOCAL))

    def in_words(self) -> str:
        """As a run's mode says it: `since 2024-03-01, family plain`; '' for everything."""
        parts = {"since": self.since, "family": self.family, "file": self.file}
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)


def sites_of(archive: Archive, asked: Asked) -> list[Site]:
    """Sites that anything was captured of, as declared today if they still are.

    Raises NotFound (no archive, or nothing of the site in it), SiteError.
    """
    declared = load_sites(archive.folder.sites)
    with archive.reading(Audience.STAFF) as tx:
        found_in = select(capture.c.site)
        if asked.file is not None:
            found_in = found_in.where(capture.c.warc_file == asked.file)
        captured = site.c.id.in_(found_in)
        rows = tx.execute(select(site).where(captured).order_by(site.c.id)).all()
    # Hosts that an import kept and was not told to read have no family.
    rows = [row for row in rows if row.id in declared or row.family is not None]
    found = [declared.get(row.id) or site_of(dict(row._mapping)) for row in rows]
    if asked.site is None:
        return found
    if asked.site not in {one.id for one in found}:
        raise NotFound(f"nothing of {asked.site} was captured; `tinhuyen status` lists sites")
    return [one for one in found if one.id == asked.site]


def files_here(archive: Archive, sites: Sequence[Site]) -> list[tuple[str, str]]:
    """Sites, and the WARC files of each that are on this machine, by name."""
    with archive.reading(Audience.STAFF) as tx:
        of_sites = capture.c.site.in_([one.id for one in sites])
        named = select(capture.c.site, capture.c.warc_file).where(of_sites).distinct()
        rows = sorted((id_, name) for id_, name in tx.execute(named))
    return [(id_, name) for id_, name in rows if _is_here(archive, name)]


def _is_here(archive: Archive, name: str) -> bool:
    try:
        archive.folder.file(name)
    except NotHere:
        return False
    return True


def count_captures(archive: Archive, sites: Sequence[Site], asked: Asked) -> int:
    """How many captures the batches of these sites have at most."""
    of_sites = capture.c.site.in_([one.id for one in sites])
    mine = of_sites & ~func.coalesce(capture.c.mime, "").like("image/%")
    if asked.file is not None:
        mine &= capture.c.warc_file == asked.file
    with archive.reading(Audience.STAFF) as tx:
        return tx.execute(select(func.count()).select_from(capture).where(mine)).scalar_one()


def batches(archive: Archive, of: Site, asked: Asked) -> Iterator[Batch]:
    """A site's captures, file by file; neither pictures nor what nobody has read yet."""
    since = asked.first_moment()
    with archive.reading(Audience.STAFF) as tx:
        named = select(capture.c.warc_file).where(capture.c.site == of.id).distinct()
        if asked.file is not None:
            named = named.where(capture.c.warc_file == asked.file)
        names = sorted(tx.execute(named).scalars())
    for name in names:
        with archive.reading(Audience.STAFF) as tx:
            held = list(_held(tx, of.id, name, since))
        for start in range(0, len(held), _AT_ONCE):
            yield Batch(of, asked.family, tuple(held[start : start + _AT_ONCE]))


def _held(tx: Connection, site_id: str, file: str, since: str) -> Iterator[Held]:
    begin = 0
    rows = select(capture).where(capture.c.warc_file == file).order_by(capture.c.warc_offset)
    for row in tx.execute(rows):
        record = Record(file, row.warc_offset, row.warc_length, row.record_id)
        is_read = row.reading != "pending" and not (row.mime or "").startswith("image/")
        if is_read and row.site == site_id and row.fetched_at >= since:
            yield Held(row.id, row.run, row.url, row.fetched_at, record, begin)
        begin = row.warc_offset + row.warc_length
