"""Decisions in the journal, told to a database that does not know them: a rebuilt one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Connection

from storage.database.access_rows import (
    AccessRule,
    Takedown,
    note_rewritten,
    save_rule,
    save_takedown,
    undo_takedown,
)
from storage.database.digests import from_values as told_from_values
from storage.database.digests import save_told
from storage.database.notes import Note, save_note
from storage.database.schedules import from_values, remove_schedule, save_schedule
from storage.database.site_states import SiteState, save_state

Line = dict[str, Any]


def tell_decisions(tx: Connection, lines: Iterable[Line]) -> None:
    """Decisions as the journal's lines have them, in their order; others are passed over.

    To tell them twice changes nothing.
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


def _site_state(tx: Connection, line: Line) -> None:
    save_state(tx, SiteState(**{name: line[name] for name in SiteState.__slots__}))


def _digest_sent(tx: Connection, line: Line) -> None:
    save_told(tx, told_from_values(line))


def _access(tx: Connection, line: Line) -> None:
    save_rule(tx, AccessRule(**{name: line[name] for name in AccessRule.__slots__}))


def _takedown(tx: Connection, line: Line) -> None:
    values = {name: line[name] for name in Takedown.__slots__}
    save_takedown(tx, Takedown(**values))


def _takedown_undone(tx: Connection, line: Line) -> None:
    undo_takedown(tx, line["takedown"], line["at"], line["by"], line["reason"])


def _takedown_rewritten(tx: Connection, line: Line) -> None:
    note_rewritten(tx, line["takedown"], line["log"])


def _takedown_rewriting(tx: Connection, line: Line) -> None:
    """One file of a rewrite; what ends the rewrite tells of all."""


_TELL: dict[str, Callable[[Connection, Line], None]] = {
    "access": _access,
    "note": _note,
    "schedule": _schedule,
    "schedule_removed": _schedule_removed,
    "site_state": _site_state,
    "digest_sent": _digest_sent,
    "takedown": _takedown,
    "takedown_rewriting": _takedown_rewriting,
    "takedown_rewritten": _takedown_rewritten,
    "takedown_undone": _takedown_undone,
}

DECISIONS = frozenset(_TELL)
"""Their kinds."""
