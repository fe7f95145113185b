"""The door to an archive, for notebooks and for everything above.

from storage.archive import Archive
for article in Archive("archive").search("huyện uỷ", site="demo", since="2022-01-01"):
    print(article["published_at"], article["title"])
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from storage.database.captures import find_original, find_record
from storage.database.connect import open_database, open_for_reading
from storage.database.notes import Note, find_notes
from storage.database.site_states import SiteState, find_states
from storage.errors import NotFound
from storage.folder import ArchiveFolder
from storage.query import articles, persons, runs, search
from storage.query.sightings import sightings_of
from storage.query.status import site_states
from storage.records import Capture, Record
from storage.warc.reader import read_capture

DEFAULT_FOLDER = "archive"


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
    def database_url(self) -> str:
        """Where the rows are."""
        return self._database or self.folder.database_url

    @property
    def exists(self) -> bool:
        """Whether there is a database; without one everything there is to read is missing."""
        return self._database is not None or (self.folder.root / "archive.db").exists()

    def open_for_writing(self) -> Engine:
        """An engine for writers, its schema the newest. Makes the folder if there is none."""
        self.folder.root.mkdir(parents=True, exist_ok=True)
        return open_database(self.database_url)

    @cached_property
    def _engine(self) -> Engine:
        if not self.exists:
            raise NotFound(
                f"{self.folder.root} holds no archive yet; `tinhuyen crawl SITE` begins one "
                "(or name another with --archive)"
            )
        return open_for_reading(self.database_url)

    def close(self) -> None:
        """Let the database's connections go; they are made again when needed."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads. Raises NotFound if there is no archive."""
        with self._engine.connect() as connection:
            yield connection

    def search(
        self,
        words: str = "",
        *,
        site: str | None = None,
        since: str | None = None,
        until: str | None = None,
        unit: str | None = None,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """Articles (DESIGN §7) that have all the words, best first; without words newest first.

        `since` and `until` are days, months or years of publication (`2022-01-01`, `2022`), both
        included; `unit` is a unit as people name it (`xã Đường An, Hải Phòng`).
        Raises UsageError, NotFound for these two; nothing for any words.
        """
        query = search.Query(words, site, since, until, unit, limit)
        with self.reading() as connection:
            return articles.load(connection, search.find(connection, query))

    def article(
        self, id_: str, version: int | None = None, *, with_persons: bool = False
    ) -> dict[str, Any]:
        """An article (DESIGN §7) by id or a unique start of it. Raises NotFound.

        `with_persons` adds `persons`: officials named in their posts, where an operator allows
        it (docs/ethics.md). Raises UsageError where none did.
        """
        if with_persons:
            persons.require_setting()
        with self.reading() as connection:
            key = articles.find_key(connection, id_)
            found = articles.load(connection, [key], version)[0]
        return found | {"persons": persons.persons_of(found)} if with_persons else found

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
        """What was kept of each site, what is due, what failed (storage.query.status)."""
        with self.reading() as connection:
            return site_states(connection)

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

    def capture(self, record: Record) -> Capture:
        """What a record holds, ready to be read. Raises NotFound, WarcError."""
        with self.reading() as connection:
            return read_capture(
                record,
                self.folder.file,
                lambda id_: _find(connection, id_),
                lambda id_: _find(connection, find_original(connection, id_) or ""),
            )


def _find(connection: Connection, record_id: str) -> Record:
    record = find_record(connection, record_id)
    if record is None:
        raise NotFound(f"the database knows no record {record_id}; a revisit refers to it")
    return record
