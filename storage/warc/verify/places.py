"""Where records lie, across files: duplicates of an id, and revisits without their original.

Kept in `logs/records.db`, so that a round over a part of the archive knows the rest. It can be
deleted at any time: the next rounds fill it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

from storage.warc.verify.block import parse_digest
from storage.warc.verify.one import Place
from storage.warc.verify.rules import Flaw, Rule

_TABLE = """
CREATE TABLE IF NOT EXISTS place (
    file TEXT, offset INTEGER, length INTEGER, id TEXT, type TEXT, url TEXT, date TEXT,
    payload TEXT, block TEXT, refers_to TEXT, refers_url TEXT, refers_date TEXT
);
CREATE INDEX IF NOT EXISTS place_file ON place (file);
CREATE INDEX IF NOT EXISTS place_id ON place (id);
CREATE INDEX IF NOT EXISTS place_url ON place (url, date);
"""
_INSERT = "INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DUPLICATES = """
SELECT mine.offset, mine.id, other.file, other.offset,
       mine.type = 'warcinfo' AND other.type = 'warcinfo' AND mine.date = other.date
FROM place AS mine JOIN place AS other ON other.id = mine.id
WHERE mine.file = :file AND mine.id <> ''
  AND (other.file <> mine.file OR other.rowid < mine.rowid)
ORDER BY mine.offset, other.file, other.offset
"""
_REVISITS = """
SELECT offset, payload, refers_to, refers_url, refers_date FROM place
WHERE file = ? AND type = 'revisit' ORDER BY offset
"""
_BY_ID = "SELECT payload FROM place WHERE id = ? LIMIT 1"
_BY_MOMENT = """
SELECT payload FROM place WHERE url = ? AND substr(date, 1, 19) = substr(?, 1, 19)
AND type IN ('response', 'resource') LIMIT 1
"""

FindPayload = Callable[[str], str | None]
"""The payload digest of the record of this id, from elsewhere; None if it is not known there."""


class Places:
    """Every record of every file verified so far."""

    def __init__(self, path: Path | None) -> None:
        """`path`: where it is kept; None for a round over files outside any archive."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.executescript(_TABLE)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def put(self, file: str, places: list[Place]) -> None:
        """Take in a file's records instead of those it had before."""
        rows = [(file, *astuple(place)) for place in places]
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("DELETE FROM place WHERE file = ?", (file,))
        self._database.executemany(_INSERT, rows)
        self._database.execute("COMMIT")

    def keep_only(self, files: set[str]) -> None:
        """Forget files that are there no more."""
        known = self._database.execute("SELECT DISTINCT file FROM place").fetchall()
        gone = [(file,) for (file,) in known if file not in files]
        self._database.executemany("DELETE FROM place WHERE file = ?", gone)

    def duplicates(self, file: str) -> Iterator[Flaw]:
        """Records of a file whose id another record has as well."""
        seen = set()
        for offset, id_, other, at, is_info in self._database.execute(_DUPLICATES, {"file": file}):
            if offset not in seen:
                seen.add(offset)
                where = f"offset {at}" if other == file else f"{other}, offset {at}"
                rule = Rule.REPEATED_WARCINFO if is_info else Rule.DUPLICATE_ID
                yield Flaw(offset, rule, f"{id_} is also at {where}")

    def revisits(self, file: str, missing: Rule, elsewhere: FindPayload) -> Iterator[Flaw]:
        """Revisits of a file without their original (`missing`), or unlike it."""
        for offset, payload, id_, url, date in self._database.execute(_REVISITS, (file,)):
            if id_ is None and (url is None or date is None):
                continue  # it names none: fields.py says so
            found = self._find(id_, url, date)
            original = found[0] if found else (elsewhere(id_) if id_ else None)
            if found is None and original is None:
                yield Flaw(offset, missing, id_ or f"{url} of {date}")
            elif payload and original and not _same(payload, original):
                yield Flaw(offset, Rule.REVISIT_DIFFERS, f"{payload}, the original has {original}")

    def _find(self, id_: str | None, url: str | None, date: str | None) -> tuple[str | None] | None:
        """The original's payload digest in a tuple; None if no file has the original."""
        row = self._database.execute(_BY_ID, (id_,)).fetchone() if id_ else None
        if row is None and url and date:
            row = self._database.execute(_BY_MOMENT, (url, date)).fetchone()
        return row if row is None else (row[0],)


def _same(one: str, other: str) -> bool:
    """One digest in two forms is the same; digests of two algorithms cannot be compared."""
    mine, theirs = parse_digest(one), parse_digest(other)
    if mine is None or theirs is None:
        return one == other
    return mine.algorithm != theirs.algorithm or mine.value == theirs.value
