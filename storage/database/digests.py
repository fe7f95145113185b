"""How far digests were sent: one row a channel, so that nothing is told twice or left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from storage.database.schema import digest
from storage.times import parse_utc, utc_text

_AGAIN = timedelta(minutes=5)
_LONGEST_AGAIN = timedelta(hours=1)
_AHEAD = timedelta(hours=26)
"""What was told cannot reach further ahead of the clock: the clock was wrong."""


@dataclass(frozen=True, slots=True)
class Told:
    """How far a channel was told."""

    channel: str
    """`email` or `webhook`."""
    told_until: datetime
    told_runs: Sequence[str] = ()
    """Runs that ended shortly before and were counted."""
    claimed_for: datetime | None = None
    """The moment whose digest was begun; it is not begun again, whatever became of it."""
    tries: int = 0
    """How often it failed for certain; then it is begun again after `not_before`."""
    not_before: datetime | None = None
    error: str | None = None
    """Why the last try failed; None if it did not."""


def find_told(tx: Connection, channel: str) -> Told | None:
    """How far a channel was told; None if it never was."""
    row = tx.execute(select(digest).where(digest.c.channel == channel)).first()
    return from_values(row._mapping) if row else None


def last_told(tx: Connection) -> datetime | None:
    """The newest moment that any channel was told up to; None if none was."""
    found = tx.execute(select(func.max(digest.c.told_until))).scalar()
    return parse_utc(found) if found else None


def is_due(told: Told, moment: datetime, now: datetime) -> bool:
    """Whether the digest of this moment (the last one before now) is to be begun."""
    if told.told_until >= moment or told.claimed_for == moment:
        return False
    return told.not_before is None or not now < told.not_before <= now + _LONGEST_AGAIN


def begin(tx: Connection, channel: str, now: datetime) -> Told:
    """The channel's row; made, if there is none, as told until now: what was before is old news.

    A row that a wrong clock left far ahead is put back to now.
    """
    told = find_told(tx, channel)
    if told is None or told.told_until > now + _AHEAD:
        told = Told(channel, now)
        save_told(tx, told)
    return told


def claim(tx: Connection, told: Told, moment: datetime) -> bool:
    """Take the digest of this moment. False if another scheduler was faster."""
    before = utc_text(told.claimed_for) if told.claimed_for else ""
    same = (digest.c.channel == told.channel, digest.c.told_until == utc_text(told.told_until))
    taken = tx.execute(
        update(digest)
        .where(*same, func.coalesce(digest.c.claimed_for, "") == before)
        .values(claimed_for=utc_text(moment))
    )
    return taken.rowcount == 1


def note_failed(tx: Connection, told: Told, error: str, now: datetime) -> None:
    """It was not sent, for certain: it is tried again later. `told`: as before the claim."""
    wait = min(_AGAIN * 2 ** min(told.tries, 8), _LONGEST_AGAIN)
    values = {
        "claimed_for": utc_text(told.claimed_for) if told.claimed_for else None,
        "tries": told.tries + 1,
        "not_before": utc_text(now + wait),
        "error": error,
    }
    tx.execute(update(digest).where(digest.c.channel == told.channel).values(values))


def save_told(tx: Connection, told: Told) -> None:
    """Set a channel's row."""
    tx.execute(delete(digest).where(digest.c.channel == told.channel))
    tx.execute(insert(digest), as_values(told))


def as_values(told: Told) -> dict[str, Any]:
    """Its row, and its line in the journal."""
    return {
        "channel": told.channel,
        "told_until": utc_text(told.told_until),
        "told_runs": list(told.told_runs),
        "claimed_for": utc_text(told.claimed_for) if told.claimed_for else None,
        "tries": told.tries,
        "not_before": utc_text(told.not_before) if told.not_before else None,
        "error": told.error,
    }


def from_values(values: Any) -> Told:
    """What `as_values` was made from; other keys are passed over."""
    return Told(
        values["channel"],
        parse_utc(values["told_until"]),
        tuple(values["told_runs"]),
        parse_utc(values["claimed_for"]) if values["claimed_for"] else None,
        values["tries"],
        parse_utc(values["not_before"]) if values["not_before"] else None,
        values["error"],
    )
