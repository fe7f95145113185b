"""What the child process does with a statement (storage.child): asks the database, tells rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

from storage.query.sql import postgres, sqlite
from storage.query.sql.refused import OutOfTime, Refused


def answer(question: bytes) -> Iterator[Any]:
    """Columns, then rows, then `cut` if there are more; or `refused`, or `stopped`: a sentence."""
    asked = json.loads(question)
    caps = asked["caps"]
    door = sqlite if asked["url"].startswith("sqlite:") else postgres
    try:
        with closing(door.run(asked["url"], asked["statement"], caps["seconds"])) as rows:
            yield {"columns": next(rows)}
            yield from _capped(rows, caps["rows"], caps["answer_bytes"])
    except Refused as error:
        yield {"refused": str(error)}
    except OutOfTime:
        yield {"stopped": f"it took more than {caps['seconds']:g} s"}


def _capped(rows: Iterator[Sequence[Any]], most: int, most_bytes: int) -> Iterator[Any]:
    size = 0
    for number, row in enumerate(rows):
        if number == most:
            yield {"cut": f"the first {most:,} rows; TINHUYEN_SQL_ROWS sets how many"}
            return
        plain = [_plain(cell) for cell in row]
        size += sum(len(cell) for cell in plain if isinstance(cell, str))
        if size > most_bytes:
            yield {"cut": f"the first {number:,} rows, for their size ({most_bytes >> 20} MB)"}
            return
        yield plain


def _plain(cell: Any) -> Any:
    """A value as JSON has it, the same from both databases."""
    if isinstance(cell, bytes | memoryview):
        return bytes(cell).hex()
    if isinstance(cell, Decimal):
        cell = int(cell) if cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    if cell is None or isinstance(cell, str | int | float):
        return cell
    nested = isinstance(cell, list | dict)
    return json.dumps(cell, ensure_ascii=False, default=str) if nested else str(cell)
