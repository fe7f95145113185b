"""Statements compiled once and run on the driver's own cursor, for many rows at a time.

SQLAlchemy's Core writes the SQL, for both databases. Running it through Core costs 40 µs a
statement, on the cursor 5 µs (measured); and since every call lets another thread take the
interpreter, few calls with many rows beat many calls. Only what the keeper does for every page is
prepared; everything else goes through Core as usual.

A `bindparam(…, expanding=True)` takes a list. Row counts and list lengths are rounded to a few
sizes, so that few different statements arise, which the drivers keep ready.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg

_SIZES = (256, 64, 16, 4, 1)
_EXPANDING = re.compile(r"\(?__\[POSTCOMPILE_(\w+)\]\)?")
_VALUES = re.compile(r"VALUES (\(.*?\))(?= ON CONFLICT| RETURNING|$)", re.DOTALL)

Insert = Callable[[Table], Any]
"""The dialect's INSERT: SQLAlchemy spells ON CONFLICT per dialect."""

Values = Mapping[str, Any]


class Prepared:
    """A statement with `bindparam`s, or a function that builds one with the dialect's `insert`."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, tx: Connection, values: Values) -> Any:
        """Run; returns the driver's cursor. Raises the driver's errors (PEP 249)."""
        sql, arguments = self._for(tx).expanded(values)
        cursor = tx.connection.cursor()
        cursor.execute(sql, arguments)
        return cursor

    def rows(self, tx: Connection, values: Values) -> list[tuple[Any, ...]]:
        """Run and fetch everything."""
        found: list[tuple[Any, ...]] = self.run(tx, values).fetchall()
        return found

    def insert(self, tx: Connection, rows: Sequence[Values]) -> list[tuple[Any, ...]]:
        """Run an INSERT … VALUES for many rows; returns what it returns, in any order."""
        compiled = self._for(tx)
        cursor = tx.connection.cursor()
        returned: list[tuple[Any, ...]] = []
        for part in _parts(rows):
            cursor.execute(compiled.for_rows(len(part)), compiled.flat(part))
            if cursor.description:
                returned += cursor.fetchall()
        return returned

    def run_many(self, tx: Connection, rows: Sequence[Values]) -> None:
        """Run for every row, one by one."""
        compiled = self._for(tx)
        tx.connection.cursor().executemany(compiled.sql, [compiled.flat([row]) for row in rows])

    def _for(self, tx: Connection) -> _Compiled:
        name = tx.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _compile(self._statement, name)
        return self._compiled[name]


def _parts(rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _compile(statement: Any, dialect: str) -> _Compiled:
    if dialect == "postgresql":
        insert, target = postgresql.insert, psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    else:
        insert, target = sqlite.insert, sqlite.dialect()  # type: ignore[assignment]
    built = statement(insert) if callable(statement) else statement
    compiled = built.compile(dialect=target)
    return _Compiled(
        compiled.string, compiled.positiontup or [], compiled.params, target.paramstyle
    )


@dataclass(slots=True)
class _Compiled:
    sql: str
    order: list[str]
    """Names of the values by their position."""
    constants: dict[str, Any]
    """Values that stand in the statement itself."""
    paramstyle: str
    _by_rows: dict[int, str] = field(default_factory=dict)

    def flat(self, rows: Sequence[Values]) -> list[Any]:
        constants = self.constants
        return [
            row[name] if name in row else constants[name] for row in rows for name in self.order
        ]

    def for_rows(self, count: int) -> str:
        """The INSERT with as many rows of values; the conflict clause may name no values."""
        if count not in self._by_rows:
            match = _VALUES.search(self.sql)
            assert match is not None, self.sql
            values = ", ".join([match[1]] * count)
            self._by_rows[count] = self.sql[: match.start(1)] + values + self.sql[match.end(1) :]
        return self._by_rows[count]

    def expanded(self, values: Values) -> tuple[str, list[Any]]:
        """The statement with its lists written out, and the values in their order."""
        mark = "%s" if self.paramstyle == "format" else "?"
        lists = {name: _padded(list(values[name])) for name in _EXPANDING.findall(self.sql)}
        if not lists:
            return self.sql, self.flat([values])
        sql = _EXPANDING.sub(lambda m: f"({', '.join([mark] * len(lists[m[1]]))})", self.sql)
        arguments: list[Any] = []
        for name in self.order:
            arguments += lists[name] if name in lists else self.flat_one(values, name)
        return sql, arguments

    def flat_one(self, values: Values, name: str) -> list[Any]:
        return [values[name] if name in values else self.constants[name]]


def _padded(items: list[Any]) -> list[Any]:
    """A list made longer by its last item, to one of few lengths. Empty: nothing equals NULL."""
    if not items:
        return [None]
    length = next((size for size in reversed(_SIZES) if size >= len(items)), len(items))
    return items + [items[-1]] * (length - len(items))


def columns(table: Table, *without: str) -> dict[str, Any]:
    """A bound value for every column but these, for INSERT."""
    return {column.name: bindparam(column.name) for column in table.c if column.name not in without}


def listed(name: str) -> Any:
    """A list of values, for `column.in_(listed("names"))`."""
    return bindparam(name, expanding=True)
