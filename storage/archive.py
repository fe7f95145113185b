"""The door to an archive, for notebooks and for everything above.

from storage.archive import Archive
for article in Archive("archive").search("huyện uỷ", site="demo", since="2022-01-01"):
    print(article["published_at"], article["title"])
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from weakref import finalize

from sqlalchemy import Connection, Engine

from storage.database.captures import find_original, find_record
from storage.database.connect import (
    connected,
    holds_archive,
    is_sqlite,
    open_database,
    open_for_reading,
)
from storage.database.likeness import Compared, Say, update_likeness
from storage.database.notes import Note, find_notes
from storage.database.site_lock import held_sites
from storage.database.site_states import SiteState, find_states
from storage.errors import NotFound, Withdrawn
from storage.folder import ArchiveFolder
from storage.query import articles, persons, runs, search
from storage.query.access import Audience, audience_here, for_audience
from storage.query.alike import count_uncompared, similar_articles, similar_images
from storage.query.attached import filters_in, find_pages
from storage.query.changes import events, first_moment, last_moment
from storage.query.diff import Change
from storage.query.facets import Facets, Value, count_facets, count_undated
from storage.query.query import Query
from storage.query.results import Results
from storage.query.sightings import sightings_of
from storage.query.sql.door import Answer, Caps, ask, reader_url
from storage.query.stats import Pairs, count_by, telling_pairs
from storage.query.status import site_states
from storage.query.versions import compare, list_versions
from storage.query.withheld import address_withdrawn, require_records
from storage.records import Capture, Record
from storage.warc.reader import read_capture

DEFAULT_FOLDER = "archive"
_AT_ONCE = 500


class Archive:
    """An archive on disk, and its database."""

    def __init__(self, folder: str | Path | None = None, database: str | None = None) -> None:
        """`folder` and `database` default to TINHUYEN_ARCHIVE and TINHUYEN_DATABASE."""
        root = Path(folder or os.environ.get("TINHUYEN_ARCHIVE") or DEFAULT_FOLDER)
        self.folder = ArchiveFolder(root.absolute())
        self._database = database or os.environ.get("TINHUYEN_DATABASE")

    @property
    def is_embedded(self) -> bool:
        """Whether the rows are in the folder's own SQLite file."""
        return self._database is None

    @property
    def is_shared(self) -> bool:
        """Whether many machines may share the database, each with a folder of its own."""
        return not is_sqlite(self.database_url)

    @property
    def database_url(self) -> str:
        """Where the rows are."""
        return self._database or self.folder.database_url

    @property
    def exists(self) -> bool:
        """Whether it was begun; before that everything there is to read is missing."""
        if self.is_embedded:
            return (self.folder.root / "archive.db").exists()
        return holds_archive(self.database_url)

    def open_for_writing(self) -> Engine:
        """An engine for writers, its schema the newest. Makes the folder if there is none."""
        self.folder.root.mkdir(parents=True, exist_ok=True)
        return open_database(self.database_url)

    @contextmanager
    def site_lock(self, site: str, hosts: Collection[str] = ()) -> Iterator[Engine]:
        """Held by the one process that writes to a site: here, and on PostgreSQL on any machine.

        Gives an engine for writers. On PostgreSQL it stands and falls with the lock
        (storage.database.site_lock), and has one connection only; nobody else may crawl one of
        `hosts` meanwhile either. Raises ArchiveBusy, ArchiveFault.
        """
        with self.sites_lock([site], hosts) as engine:
            yield engine

    @contextmanager
    def sites_lock(self, sites: Collection[str], hosts: Collection[str] = ()) -> Iterator[Engine]:
        """The same of many sites at once."""
        with ExitStack() as stack:
            for site in sites:
                stack.enter_context(self.folder.site_lock(site))
            yield stack.enter_context(self._held(sites, hosts))

    @contextmanager
    def import_lock(self) -> Iterator[Engine]:
        """Held by the one process that takes in donated files, on any machine. The same."""
        with self.folder.import_lock(), self._held(["imports"]) as engine:
            yield engine

    @contextmanager
    def _held(self, sites: Collection[str], hosts: Collection[str] = ()) -> Iterator[Engine]:
        engine = self.open_for_writing()
        try:
            if not self.is_shared:
                yield engine
                return
            engine.dispose()  # it looked at the schema; every connection counts on a server
            with held_sites(self.database_url, sites, hosts) as held:
                yield held
        finally:
            engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        if self.is_embedded and not self.exists:  # of others their opening says it
            raise NotFound(
                f"{self.folder.root} holds no archive yet; `tinhuyen crawl SITE` begins one "
                "(or name another with --archive)"
            )
        engine = open_for_reading(self.database_url)
        finalize(self, engine.dispose)  # who lets an archive go lets its connections go
        return engine

    def close(self) -> None:
        """Let the database's connections go; they are made again when needed."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    @contextmanager
    def reading(self, audience: Audience | None = None) -> Iterator[Connection]:
        """A connection that only reads, for an audience (storage.query.access).

        None: the one that the environment says. Raises NotFound if there is no archive,
        ArchiveFault if the database has gone away.
        """
        with connected(self._engine) as connection:
            yield for_audience(connection, audience_here() if audience is None else audience)

    def search(self, words: str = "", *, limit: int | None = None, **filters: Any) -> Results:
        """Articles (DESIGN §7) that have all the words, best first; without words newest first.

        They are found at once and loaded as they are asked for; `limit`: at most so many.
        `filters` are the fields of storage.query.query.Query: `site="demo"`, `since="2022-01"`,
        `unit="xã Đường An, Hải Phòng"`, `having="images"`; of several values give a list.
        Raises UsageError, NotFound for a filter's value; nothing for any words.
        """
        return self.find(Query.of(words, **filters), limit)

    def find(self, query: Query, limit: int | None = 20) -> Results:
        """The articles that a query finds, in its order; None: all. Raises as `search` does."""
        with self.reading() as connection:
            return Results(search.find(connection, query, limit), self._load)

    def _load(self, keys: list[int]) -> list[dict[str, Any]]:
        with self.reading() as connection:
            return _load(connection, keys)

    def facets(self, query: Query) -> Facets:
        """What a query finds, counted by every filter (storage.query.facets). Raises as `find`."""
        with self.reading() as connection:
            return count_facets(connection, query)

    def undated(self, query: Query) -> int:
        """How many a span of days leaves out for want of a date, up to 1,000. Raises as `find`."""
        with self.reading() as connection:
            return count_undated(connection, query)

    def count_by(self, query: Query, by: str) -> list[Value]:
        """All that a query finds, by a filter or by `day`, `month`, `year`. Raises as `find`."""
        with self.reading() as connection:
            return count_by(connection, query, by)

    def telling_pairs(self, query: Query, limit: int = 40) -> Pairs:
        """Pairs of syllables that set what a query finds apart. Raises as `find` does."""
        with self.reading() as connection:
            return telling_pairs(connection, query, limit)

    def search_attachments(
        self, words: str, *, limit: int = 20, **filters: Any
    ) -> list[dict[str, Any]]:
        """Pages of attachments that have all the words (storage.query.attached), newest first.

        The filters are those of `search`, for the article that shows the attachment.
        Raises as it does.
        """
        return self.find_attached(Query.of(words, **filters), limit)

    def find_attached(self, query: Query, limit: int = 20) -> list[dict[str, Any]]:
        """The same for a query. Raises as `search` does."""
        whose = replace(query, words=filters_in(query.words))
        with self.reading() as connection:
            among = None if whose == Query() else set(search.find(connection, whose, None))
            return find_pages(connection, query.words, limit, among)

    def sql(self, statement: str, caps: Caps | None = None) -> Answer:
        """Answer one SELECT over the stable views (docs/researchers.md); nothing else is.

        `caps`: those of TINHUYEN_SQL_ROWS and TINHUYEN_SQL_SECONDS if not given; what is cut is
        said in `cut`. Raises UsageError, RanAway, NotFound.
        """
        url = self.database_url
        if not self.is_embedded:
            url = reader_url(url)
        with self.reading():  # an older archive is said to be one
            pass
        return ask(url, statement, caps or Caps.from_environment())

    def article(
        self, id_: str, version: int | None = None, *, with_persons: bool = False
    ) -> dict[str, Any]:
        """An article (DESIGN §7) by id or a unique start of it. Raises NotFound.

        `308bbaf278198bcc/20240301030000`, as citations have it, is the version of that time.
        `with_persons` adds `persons`: officials named in their posts, where an operator allows
        it (docs/ethics.md). Raises UsageError where none did.
        """
        if with_persons:
            persons.require_setting()
        with self.reading() as connection:
            id_, _, stamp = id_.partition("/")
            key = articles.find_key(connection, id_)
            if stamp and version is None:
                version = articles.number_at(connection, key, stamp)
            found = articles.load(connection, [key], version)[0]
        return found | {"persons": persons.persons_of(found)} if with_persons else found

    def articles_at(self, url: str) -> list[dict[str, Any]]:
        """The articles (DESIGN §7) that an address showed; of each site that has it, one."""
        with self.reading() as connection:
            keys = articles.keys_of_url(connection, url)
            return articles.load(connection, keys) if keys else []

    def versions(self, id_: str) -> list[dict[str, Any]]:
        """Every version of an article, by id or a unique start of it. Raises NotFound."""
        with self.reading() as connection:
            return list_versions(connection, id_)

    def diff(
        self, id_: str, versions: tuple[int, int] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any], list[Change]]:
        """Two versions of an article and what differs; the last two if none are named.

        Raises NotFound.
        """
        with self.reading() as connection:
            return compare(connection, id_, versions)

    def similar(self, id_: str) -> list[dict[str, Any]]:
        """What is nearly the same as an article: `text` alike, or a `picture` in common.

        `similarity` is the part of their text that both share (an estimate), or of a picture's 64
        bits. Empty where `update_likeness` was not run. Raises NotFound.
        """
        with self.reading() as connection:
            key = articles.find_key(connection, id_)
            found = [("text", k, like) for k, like in similar_articles(connection, key)]
            pictures = similar_images(connection, key)
            found += [("picture", k, 1 - bits / 64) for k, _, _, bits in pictures]
            loaded = _load(connection, [k for _, k, _ in found])
        names = ("site", "published_at", "title", "url")
        return [
            {"article": of["id"], "alike": what, "similarity": round(like, 2)}
            | {name: of[name] for name in names}
            for (what, _, like), of in zip(found, loaded, strict=True)
        ]

    def uncompared(self) -> int:
        """How many articles came since near-duplicates were last brought up to date."""
        with self.reading() as connection:
            return count_uncompared(connection)

    def update_likeness(self, say: Say = lambda what: None) -> Compared:
        """Bring near-duplicates up to date (storage.database.likeness). Raises ArchiveFault."""
        engine = self.open_for_writing()
        try:
            return update_likeness(engine, say)
        finally:
            engine.dispose()

    def changes(self, query: Query, since: str, until: str) -> list[dict[str, Any]]:
        """What became of the articles that a query finds, between two local days of capture.

        `since` and `until` are days, months or years, both included. Raises UsageError, NotFound.
        """
        moments = first_moment(since), last_moment(until)
        with self.reading() as connection:
            found = list(events(connection, query, *moments))
            loaded = _load(connection, [one.key for one in found])
        return [
            {"article": of["id"], "site": of["site"], "title": of["title"]} | one.as_json()
            for one, of in zip(found, loaded, strict=True)
        ]

    def sightings(self, id_: str) -> list[dict[str, Any]]:
        """Who caught an article (by its whole id), when first and last."""
        with self.reading() as connection:
            return sightings_of(connection, id_)

    def private_numbers(self, site: str | None = None) -> Iterator[dict[str, Any]]:
        """Where telephone, identity-card and account numbers stand in articles; no digits."""
        with self.reading() as connection:
            yield from articles.private_numbers_in(connection, site)

    def image(self, sha256: str) -> tuple[str, bytes]:
        """Media type and bytes of an image. Raises NotFound."""
        with self.reading() as connection:
            return articles.load_image(connection, sha256)

    def runs(self, site: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """Runs, newest first."""
        with self.reading() as connection:
            return runs.list_runs(connection, site, limit)

    def run(self, id_: str) -> dict[str, Any]:
        """A run by id or a unique start of it, with what it skipped and failed. Raises NotFound."""
        with self.reading() as connection:
            return runs.load_run(connection, id_)

    def status(self) -> list[dict[str, Any]]:
        """What was kept of each site, what is due, what failed (storage.query.status).

        In each row also `disk_free_bytes`, of the archive's disk.
        """
        with self.reading() as connection:
            states = site_states(connection)
        free = shutil.disk_usage(self.folder.root).free
        return [one | {"disk_free_bytes": free} for one in states]

    def states(self, site: str | None = None) -> list[SiteState]:
        """What was decided about the state of a site, or of all; oldest first."""
        with self.reading() as connection:
            return find_states(connection, site)

    def notes(self, about: str, subject: str) -> list[Note]:
        """What people noted about a `site`, `run` or `article`, by its id; oldest first."""
        with self.reading() as connection:
            return find_notes(connection, about, subject)

    def unfinished_run(self, site: str) -> str | None:
        """Id of the run of a site that was left unfinished; None if there is none."""
        with self.reading() as connection:
            return runs.unfinished_run(connection, site)

    def withdrawn_at(self, url: str) -> Withdrawn | None:
        """What to say of an address that was taken down; None if it was not."""
        with self.reading() as connection:
            return address_withdrawn(connection, url)

    def capture(self, record: Record, audience: Audience | None = None) -> Capture:
        """What a record holds, ready to be read.

        Raises WarcError, NotFound; Withdrawn, NotOpen for one that the audience may not see.
        """
        with self.reading(audience) as connection:
            require_records(connection, [record.record_id])
            return read_capture(
                record,
                self.folder.file,
                lambda id_: _original(connection, id_),
                lambda id_: _original(connection, find_original(connection, id_) or ""),
            )


def _load(connection: Connection, keys: list[int]) -> list[dict[str, Any]]:
    """Articles, as many at once as a statement may name."""
    parts = (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))
    return [one for part in parts for one in articles.load(connection, part)]


def _original(connection: Connection, record_id: str) -> Record:
    """Of a revisit, within what may be seen: a takedown of the original is one of its bytes."""
    record = find_record(connection, record_id)
    if record is None:
        raise NotFound(f"the database knows no record {record_id}; a revisit refers to it")
    require_records(connection, [record_id])
    return record
