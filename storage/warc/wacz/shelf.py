"""What a package will hold, on disk while it is made: memory stays flat however much that is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.query.open_captures import OpenCapture

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE chosen (id INTEGER PRIMARY KEY, record_id TEXT UNIQUE, file TEXT, position INTEGER);
CREATE INDEX by_place ON chosen (file, position);
CREATE TABLE line (line BLOB);
"""


class Shelf:
    """Chosen captures by place in the archive, and index lines in C order."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.executescript(_TABLES)

    def add(self, one: OpenCapture) -> bool:
        """Choose a capture; False if it was chosen before."""
        place = (one.id, one.record.record_id, one.record.file, one.record.offset)
        added = self._database.execute("INSERT OR IGNORE INTO chosen VALUES (?, ?, ?, ?)", place)
        return added.rowcount > 0

    def drop(self, file: str, offset: int) -> None:
        """A chosen record that cannot be had."""
        where = "DELETE FROM chosen WHERE file = ? AND position = ?"
        self._database.execute(where, (file, offset))

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM chosen").fetchone()[0])

    def ids(self, count: int) -> Iterator[list[int]]:
        """The captures' ids in the order in which they were kept, so many at a time."""
        found = self._database.execute("SELECT id FROM chosen ORDER BY id")
        while some := found.fetchmany(count):
            yield [id_ for (id_,) in some]

    def files(self) -> list[str]:
        """The WARC files that hold chosen records, by name."""
        found = self._database.execute("SELECT DISTINCT file FROM chosen ORDER BY file")
        return [file for (file,) in found]

    def records(self, file: str) -> dict[int, str]:
        """The chosen records of a file: record id by offset."""
        where = "SELECT position, record_id FROM chosen WHERE file = ?"
        return dict(self._database.execute(where, (file,)))

    def add_lines(self, lines: Iterable[str]) -> None:
        """Lines of an index, in any order."""
        rows = ((line.encode(),) for line in lines)
        self._database.executemany("INSERT INTO line VALUES (?)", rows)

    def lines(self) -> Iterator[str]:
        """All lines in C order, without line ends."""
        for (line,) in self._database.execute("SELECT line FROM line ORDER BY line"):
            yield line.decode()


@contextmanager
def new_shelf(beside: Path) -> Iterator[Shelf]:
    """A shelf in a folder of its own within `beside`; it is gone afterwards. Raises OSError."""
    with (
        TemporaryDirectory(prefix=".wacz-", dir=beside) as folder,
        closing(sqlite3.connect(Path(folder) / "shelf.db", isolation_level=None)) as database,
    ):
        yield Shelf(database)
