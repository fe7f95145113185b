"""Notes that people make about sites, runs and articles: who, when, why, and a verdict.

A correction is a note beside the reading, never a change of it. Notes are decisions: they stand in
the journal first, and the rows follow from it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text

from storage import times
from storage.database.schema import note
from storage.folder import ArchiveFolder
from storage.lines import append_lines
from storage.query.access import access_of

VERDICTS = ("good", "doubtful", "bad")


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody noted."""

    about: str
    """`site`, `run` or `article`."""
    subject: str
    """Its id."""
    noted_at: str
    """UTC, `2024-03-01T03:00:00.000000Z`."""
    noted_by: str
    text: str
    verdict: str | None
    """One of VERDICTS on its quality; None: none was given."""

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the journal."""
        return asdict(self)


def add_note(folder: ArchiveFolder, engine: Engine, added: Note) -> None:
    """Append to the journal, then save. Raises OSError, and what the database raises."""
    line = {"kind": "note", "at": times.utc_text(times.now())} | added.as_json()
    append_lines(folder.journal, [line])
    with engine.begin() as tx:
        save_note(tx, added)


def save_note(tx: Connection, added: Note) -> None:
    """Save one that the journal has. Of one subject at one moment there is one."""
    same = (note.c.about, note.c.subject, note.c.noted_at)
    known = [column == getattr(added, column.name) for column in same]
    if tx.execute(select(note.c.id).where(*known)).first() is None:
        tx.execute(insert(note), added.as_json())


def find_notes(connection: Connection, about: str, subject: str) -> list[Note]:
    """About one thing, oldest first; none about an article that who asks may not see."""
    columns = [note.c[name] for name in Note.__slots__]
    seen = text(access_of(connection).note("note"))
    statement = select(*columns).where(note.c.about == about, note.c.subject == subject, seen)
    return [Note(*row) for row in connection.execute(statement.order_by(note.c.noted_at))]
