"""The door to an archive, for notebooks and for everything above.

from storage.archive import Archive
for article in Archive("archive").search("huyện uỷ", site="demo", since="2022-01-01"):
    print(article["published_at"], article["title"])
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, make_url

from storage.database.captures import find_record
from storage.database.connect import open_database, open_for_reading
from storage.database.notes import Note, find_notes
from storage.database.site_states import SiteState, find_states
from storage.errors import NotFound, UsageError, Withdrawn
from storage.folder import ArchiveFolder
from storage.query import articles, persons, runs, search
from storage.query.access import Audience, audience_here, for_audience
from storage.query.attached import filters_in, find_pages
from storage.query.results import Results
from storage.query.sql.door import Answer, Caps, ask
from storage.query.status import site_states
from storage.query.withheld import address_withdrawn, require_records
from storage.records import Capture, Record
from storage.warc.reader import read_capture

DEFAULT_FOLDER = "archive"
_ALL = 2**63 - 1  # what LIMIT takes on both databases


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
    def reading(self, audience: Audience | None = None) -> Iterator[Connection]:
        """A connection that only reads, for an audience (storage.query.access).

        None: the one that the environment says. Raises NotFound if there is no archive.
        """
        with self._engine.connect() as connection:
            yield for_audience(connection, audience_here() if audience is None else audience)

    def search(
        self,
        words: str = "",
        *,
        site: str | None = None,
        since: str | None = None,
        until: str | None = None,
        unit: str | None = None,
        limit: int | None = None,
    ) -> Results:
        """Articles (DESIGN §7) that have all the words, best first; without words newest first.

        They are found at once and loaded as they are asked for; `limit`: at most so many.

        `since` and `until` are days, months or years of publication (`2022-01-01`, `2022`), both
        included; `unit` is a unit as people name it (`xã Đường An, Hải Phòng`).
        Raises UsageError, NotFound for these two; nothing for any words.
        """
        query = search.Query(words, site, since, until, unit, _ALL if limit is None else limit)
        with self.reading() as connection:
            return Results(search.find(connection, query), self._load)

    def _load(self, keys: list[int]) -> list[dict[str, Any]]:
        with self.reading() as connection:
            return articles.load(connection, keys)

    def search_attachments(
        self,
        words: str,
        *,
        site: str | None = None,
        since: str | None = None,
        until: str | None = None,
        unit: str | None = None,
        limit: int = 20,
    ) -> list[dict[str, Any]]:
        """Pages of attachments that have all the words (storage.query.attached), newest first.

        The filters are those of `search`, for the article that shows the attachment.
        Raises as it does.
        """
        whose = search.Query(filters_in(words), site, since, until, unit, _ALL)
        with self.reading() as connection:
            any_ = whose == search.Query(limit=_ALL)
            among = None if any_ else set(search.find(connection, whose))
            return find_pages(connection, words, limit, among)

    def sql(self, statement: str, caps: Caps | None = None) -> Answer:
        """Answer one SELECT over the stable views (docs/researchers.md); nothing else is.

        `caps`: those of TINHUYEN_SQL_ROWS and TINHUYEN_SQL_SECONDS if not given; what is cut is
        said in `cut`. Raises UsageError, RanAway, NotFound.
        """
        url = self.database_url
        if not self.is_embedded:
            url = _reader_url(url)
        with self.reading():  # an older archive is said to be one
            pass
        return ask(url, statement, caps or Caps.from_environment())

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

    def articles_at(self, url: str) -> list[dict[str, Any]]:
        """The articles (DESIGN §7) that an address showed; of each site that has it, one."""
        with self.reading() as connection:
            keys = articles.keys_of_url(connection, url)
            return articles.load(connection, keys) if keys else []

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
            return read_capture(record, self.folder.file, lambda id_: _original(connection, id_))


def _reader_url(database: str) -> str:
    """The login for strangers' SQL on this database, as libpq wants it."""
    url = os.environ.get("TINHUYEN_SQL_DATABASE")
    if not url:
        raise UsageError(
            "SQL on PostgreSQL is asked with a login that can read the views only; `tinhuyen db "
            "reader` makes one and prints its TINHUYEN_SQL_DATABASE=…: set that"
        )
    login, name = make_url(url), make_url(database).database
    if login.database != name:
        raise UsageError(f"TINHUYEN_SQL_DATABASE is a login to {login.database}, not to {name}")
    return login.set(drivername="postgresql").render_as_string(hide_password=False)


def _original(connection: Connection, record_id: str) -> Record:
    """Of a revisit, within what may be seen: a takedown of the original is one of its bytes."""
    record = find_record(connection, record_id)
    if record is None:
        raise NotFound(f"the database knows no record {record_id}; a revisit refers to it")
    require_records(connection, [record_id])
    return record
