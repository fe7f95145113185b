"""Decisions in the journal, told to a database that does not know them: a rebuilt one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection

from storage.database.digests import from_values as told_from_values
from storage.database.digests import save_told
from storage.database.notes import Note, save_note
from storage.database.schedules import from_values, remove_schedule, save_schedule

Line = dict[str, Any]


def tell_decisions(tx: Connection, lines: Iterable[Line]) -> None:
    """Notes, schedules and sent digests as the journal's lines have them, in their order.

    Others are passed over. To tell them twice changes nothing.
    """
    for line in lines:
        tell = _TELL.get(line.get("kind", ""))
        if tell is not None:
            tell(tx, line)


def _note(tx: Connection, line: Line) -> None:
    save_note(tx, Note(**{name: line[name] for name in Note.__slots__}))


def _schedule(tx: Connection, line: Line) -> None:
    save_schedule(tx, from_values(line))


def _schedule_removed(tx: Connection, line: Line) -> None:
    remove_schedule(tx, line["site"], line["mode"])


def _digest_sent(tx: Connection, line: Line) -> None:
    save_told(tx, told_from_values(line))


_TELL: dict[str, Callable[[Connection, Line], None]] = {
    "note": _note,
    "schedule": _schedule,
    "schedule_removed": _schedule_removed,
    "digest_sent": _digest_sent,
}

DECISIONS = frozenset(_TELL)
"""Their kinds."""
