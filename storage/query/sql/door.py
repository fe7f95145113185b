"""Asks a statement in a child process, and gathers its answer up to the caps."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from storage import child
from storage.database.session import libpq_address
from storage.errors import RanAway, UsageError
from storage.query.frames import frame_of

if TYPE_CHECKING:
    from pandas import DataFrame

_CHILD = "storage.query.sql.asked_child"


@dataclass(frozen=True, slots=True)
class Caps:
    """How far one statement may go."""

    rows: int = 10_000
    """More are not fetched, and that is said."""
    seconds: float = 30.0
    answer_bytes: int = 64 << 20
    """Characters of all rows together."""
    memory_bytes: int = 1 << 30

    @staticmethod
    def from_environment() -> Caps:
        """TINHUYEN_SQL_ROWS and TINHUYEN_SQL_SECONDS, or the defaults. Raises UsageError."""
        rows = _number("TINHUYEN_SQL_ROWS", 10_000)
        return Caps(rows=rows, seconds=_number("TINHUYEN_SQL_SECONDS", 30))


def _number(name: str, default: int) -> int:
    given = os.environ.get(name) or str(default)
    if not given.isascii() or not given.isdigit() or not 0 < int(given) < 1 << 31:
        raise UsageError(f"{name} is {given!r}; write a whole number from 1 on")
    return int(given)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave."""

    columns: list[str]
    rows: list[list[Any]] = field(default_factory=list)
    """Numbers, text and None; JSON columns as text; bytes as hex."""
    cut: str | None = None
    """Why there would be more rows; None if these are all."""
    seconds: float = 0.0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each row by the names of its columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> DataFrame:
        """The rows as a pandas DataFrame. Raises UsageError if pandas is not installed."""
        return frame_of(self.rows, self.columns)


def ask(url: str, statement: str, caps: Caps) -> Answer:
    """Answer one SELECT over the stable views.

    `url`: a file of SQLite, or a PostgreSQL login that may read nothing else.
    Raises UsageError for any other statement, name or function, and for a login that may do more;
    RanAway for one that takes too long or too much memory.
    """
    began = time.monotonic()
    statement = statement.encode("utf-8", "replace").decode()
    if "\0" in statement:
        raise UsageError("the statement holds a NUL character; SQL has none")
    question = json.dumps({"url": url, "statement": statement, "caps": asdict(caps)}).encode()
    answer = Answer([])
    try:
        for said in child.ask(_CHILD, question, child.Limits(caps.seconds, caps.memory_bytes)):
            answer = _heard(answer, said)
    except RanAway as error:
        raise RanAway(error.limit, f"the query was stopped: {error}. {_ADVICE}") from error
    return Answer(answer.columns, answer.rows, answer.cut, time.monotonic() - began)


_ADVICE = "Ask for less: fewer columns, a WHERE, a LIMIT (docs/researchers.md, Caps)"


def _heard(answer: Answer, said: Any) -> Answer:
    """The answer with one more line of the child's: a row, the columns, its end."""
    if isinstance(said, list):
        answer.rows.append(said)
        return answer
    if "refused" in said:
        raise UsageError(said["refused"])
    if "stopped" in said:
        raise RanAway("time", said["stopped"])
    if "columns" in said:
        return Answer(said["columns"])
    return Answer(answer.columns, answer.rows, said["cut"])


def reader_url(database: str) -> str:
    """The login for strangers' SQL on this database, as libpq wants it. Raises UsageError."""
    url = os.environ.get("TINHUYEN_SQL_DATABASE")
    if not url:
        raise UsageError(
            "SQL on PostgreSQL is asked with a login that can read the views only; `tinhuyen db "
            "reader` makes one and prints its TINHUYEN_SQL_DATABASE=…: set that"
        )
    try:
        login, name = make_url(url), make_url(database).database
    except ArgumentError as error:
        raise UsageError(
            "TINHUYEN_SQL_DATABASE is no address; `tinhuyen db reader` prints one"
        ) from error
    if login.database != name:
        raise UsageError(f"TINHUYEN_SQL_DATABASE is a login to {login.database}, not to {name}")
    return libpq_address(login)
