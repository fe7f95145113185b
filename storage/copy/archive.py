"""Copies every table into an empty database, in one transaction, and compares before it is kept.

The tables are read in one snapshot. The search indexes, which each database has in its own way, are
made anew on the other side, every article at the place that it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, inspect, literal, select, text

from storage.copy.rows import Digest, batches, columns_of, digest_of, write_rows
from storage.database.attachments import index_pages
from storage.database.connect import writing
from storage.database.schema import metadata
from storage.database.search_index import index_shelf
from storage.database.unit_tables import unit, unit_successor
from storage.database.views import VIEWS
from storage.errors import UsageError, VerificationFailed
from storage.output import progress

Step = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """A table or a view on both sides."""

    name: str
    kind: str
    """`table` or `view`."""
    rows: int
    rows_copied: int
    digest: str
    """Hex; of all rows, in any order."""
    digest_copied: str

    @property
    def equal(self) -> bool:
        """Whether all of it is there, and nothing else."""
        return (self.rows, self.digest) == (self.rows_copied, self.digest_copied)

    def as_json(self) -> dict[str, Any]:
        """Its fields, and whether they are equal."""
        return asdict(self) | {"equal": self.equal}


class CopyDiffers(VerificationFailed):
    """What arrived is not what was sent; nothing of it was kept."""

    def __init__(self, compared: list[Compared]) -> None:
        names = ", ".join(one.name for one in compared if not one.equal)
        super().__init__(
            f"the copy is not equal to what it was made from, in: {names}; nothing of it was kept. "
            "Does something else write there, or change rows as they come (a trigger)?"
        )
        self.compared = compared


def copy_archive(source: Engine, target: Engine) -> list[Compared]:
    """Copy all rows; every table and view, compared. Shows a bar to people who wait.

    `source` is only read. Nothing is in `target` before all of it is.
    Raises UsageError if there is something, or PostgreSQL cannot hold what SQLite does;
    CopyDiffers; ArchiveFault.
    """
    with _snapshot(source) as there, writing(target) as here:
        _make_room(here)
        tables = metadata.sorted_tables
        rows = sum(_count(there, table) for table in tables)
        with progress("rows copied and compared", 2 * rows) as step:
            sent = {table: _copy(there, here, table, step) for table in tables}
            index_shelf(here)
            index_pages(here)
            if here.dialect.name == "postgresql":
                _finish_postgresql(here)
            compared = [_compare(here, table, sent[table], step) for table in tables]
        compared += [_compare_view(there, here, name) for name in VIEWS]
        if not all(one.equal for one in compared):
            raise CopyDiffers(compared)
    return compared


def _count(there: Connection, table: Table) -> int:
    return int(there.execute(select(func.count()).select_from(table)).scalar_one())


@contextmanager
def _snapshot(source: Engine) -> Iterator[Connection]:
    """SQLite's readers see one moment anyway."""
    with source.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _make_room(here: Connection) -> None:
    """The gazetteer comes with the schema; the other side's takes its place."""
    for table in metadata.sorted_tables:
        first = select(literal(1)).select_from(table).limit(1)
        if table not in (unit, unit_successor) and here.execute(first).first():
            raise UsageError(
                f"{here.engine.url!r} holds an archive already; name an empty database "
                "(or move that archive.db away), and use that one afterwards"
            )
    for table in (unit_successor, unit):
        here.execute(table.delete())


def _copy(there: Connection, here: Connection, table: Table, step: Step) -> Digest:
    digest, columns = Digest(), columns_of(table)
    for rows in batches(there, table.name, columns):
        digest.add(rows)
        if here.dialect.name == "postgresql":
            _refuse_nul(table, columns, rows)
        write_rows(here, table.name, columns, rows)
        step(len(rows))
    return digest


def _refuse_nul(table: Table, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """PostgreSQL's text has no NUL (manual, 8.3); leaving it out would be another text."""
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            if isinstance(value, str) and "\0" in value:
                raise UsageError(
                    f"{table.name}.{column} of row {row[0]!r} holds a NUL character, which "
                    "PostgreSQL cannot keep; `tinhuyen rebuild` reads the archive's pages again"
                )


def _finish_postgresql(here: Connection) -> None:
    """New rows get new numbers; the planner knows what there is."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            newest = select(func.max(column)).scalar_subquery()
            named = func.pg_get_serial_sequence(table.name, column.name)
            here.execute(select(func.setval(named, func.coalesce(newest, 1), newest.is_not(None))))
    here.execute(text("ANALYZE"))


def _compare(here: Connection, table: Table, sent: Digest, step: Step) -> Compared:
    arrived = digest_of(here, table.name, columns_of(table))
    step(arrived.rows)
    return Compared(table.name, "table", sent.rows, arrived.rows, sent.hex, arrived.hex)


def _compare_view(there: Connection, here: Connection, name: str) -> Compared:
    columns = [column["name"] for column in inspect(there).get_columns(name)]
    sent, arrived = (digest_of(side, name, columns) for side in (there, here))
    return Compared(name, "view", sent.rows, arrived.rows, sent.hex, arrived.hex)
