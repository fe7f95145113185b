"""Rows as they stand in a table or a view, and a digest of them in any order.

Values are the driver's own: text, bytes, numbers, None. JSON is the text that stands there, so that
JSON's null and NULL stay two things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

Row = tuple[Any, ...]
_AT_ONCE = 1_000
_AT_ONCE_WITH_FILES = 16
"""Rows that hold bytes of any length, as images do."""
_MODULUS = 1 << 256


@dataclass(slots=True)
class Digest:
    """How many rows, and the sum of their sha256: the same in whatever order they come."""

    rows: int = 0
    total: int = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Count these in."""
        for row in rows:
            digest = hashlib.sha256(b"".join(map(_bytes_of, row))).digest()
            self.total = (self.total + int.from_bytes(digest)) % _MODULUS
            self.rows += 1

    @property
    def hex(self) -> str:
        """64 hex digits."""
        return f"{self.total:064x}"


def _bytes_of(value: Any) -> bytes:
    """No two values, nor two rows of them, have the same."""
    if value is None:
        return b"null;"
    if isinstance(value, str):
        kind, data = b"text", value.encode()
    elif isinstance(value, (bytes, memoryview)):
        kind, data = b"bytes", bytes(value)
    else:
        kind, data = type(value).__name__.encode(), repr(value).encode()
    return b"%s %d:%s;" % (kind, len(data), data)


def columns_of(table: Table) -> list[str]:
    """Names of a table's columns, in the order of its rows here."""
    return [column.name for column in table.columns]


def batches(connection: Connection, name: str, columns: Sequence[str]) -> Iterator[list[Row]]:
    """Every row of a table or a view, a part at a time."""
    _give_json_as_text(connection)
    size = _AT_ONCE_WITH_FILES if "data" in columns else _AT_ONCE
    json = _json_columns(connection, name)
    values = [_as_text(one) if one in json else sa.column(one) for one in columns]
    streamed = connection.execution_options(yield_per=size)
    for part in streamed.execute(sa.select(*values).select_from(sa.table(name))).partitions():
        yield [tuple(row) for row in part]


def _json_columns(connection: Connection, name: str) -> set[str]:
    """SQLite keeps JSON that is one number as a number, which PostgreSQL does not take for JSON."""
    if connection.dialect.name != "sqlite":
        return set()
    columns = sa.inspect(connection).get_columns(name)
    return {one["name"] for one in columns if isinstance(one["type"], sa.JSON)}


def _as_text(column: str) -> sa.ColumnElement[str]:
    return sa.cast(sa.column(column), sa.Text).label(column)


def write_rows(tx: Connection, name: str, columns: Sequence[str], rows: list[Row]) -> None:
    """Add rows to a table, as they are."""
    there = sa.table(name, *map(sa.column, columns))
    tx.execute(sa.insert(there), [dict(zip(columns, row, strict=True)) for row in rows])


def digest_of(connection: Connection, name: str, columns: Sequence[str]) -> Digest:
    """Of every row of a table or a view."""
    digest = Digest()
    for rows in batches(connection, name, columns):
        digest.add(rows)
    return digest


def _give_json_as_text(connection: Connection) -> None:
    """psycopg parses it unasked; SQLite has only text."""
    if connection.dialect.name == "postgresql":
        from psycopg.types.string import TextLoader

        driver: Any = connection.connection.driver_connection
        driver.adapters.register_loader("json", TextLoader)
