"""Times as they are written: UTC with microseconds, so that text sorts as time does."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
"""The zone of every portal, and of what archivists plan; it has no summer time."""

_BEGAN = time.time() - time.monotonic()


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)


def steady() -> float:
    """Epoch seconds for waits: the clock as this process found it, carried on by the monotonic one.

    A clock that is set back an hour makes nothing wait for an hour.
    """
    return _BEGAN + time.monotonic()


def utc_text(moment: datetime) -> str:
    """`2024-03-01T03:00:00.000000Z`: 27 characters. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; give an aware datetime")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def parse_utc(text: str) -> datetime:
    """An ISO 8601 time with zone, as an aware datetime in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it like 2024-03-01T10:00:00+07:00")
    return moment.astimezone(UTC)
