"""What a site may still be asked for today: quiet hours, and a budget of requests, bytes, hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from storage.database.jobs import Used
from storage.database.schedules import DayLimits
from storage.errors import UsageError
from storage.times import LOCAL

_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")
_LEAST_SECONDS = 60
"""A crawl that could last less is not begun."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one crawl may take."""

    seconds: int
    requests: int | None = None
    """None: as many as it needs."""
    bytes: int | None = None


def read_quiet_hours(text: str) -> str:
    """`7:00-17:00` -> `07:00-17:00`. Raises UsageError."""
    start, end = _quiet(text)
    return f"{start:%H:%M}-{end:%H:%M}"


def allow(limits: DayLimits, used: Used, now: datetime, longest: timedelta) -> Allowance | datetime:
    """What a crawl that begins now may take; or, if nothing, when to ask again.

    Days and hours are those of Asia/Ho_Chi_Minh. `used`: since the day began.
    """
    longest_seconds = int(longest.total_seconds())
    seconds = _left(limits.max_seconds, used.seconds)
    requests, size = _left(limits.max_requests, used.requests), _left(limits.max_bytes, used.bytes)
    if (seconds or _LEAST_SECONDS) < _LEAST_SECONDS or 0 in (seconds, requests, size):
        return next_day(now)
    if limits.quiet_hours is not None:
        local = now.astimezone(LOCAL)
        start, end = _quiet(limits.quiet_hours)
        loud = int((_next(local, start) - local).total_seconds())
        if _within(local.time(), start, end) or loud < _LEAST_SECONDS:
            return _next(local, end)
        longest_seconds = min(longest_seconds, loud)
    return Allowance(min(longest_seconds, seconds or longest_seconds), requests, size)


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def day_start(now: datetime) -> datetime:
    """Midnight of Asia/Ho_Chi_Minh, the last one."""
    return datetime.combine(now.astimezone(LOCAL).date(), time(), LOCAL)


def next_day(now: datetime) -> datetime:
    """Midnight of Asia/Ho_Chi_Minh, the next one."""
    return day_start(now) + timedelta(days=1)


def _quiet(text: str) -> tuple[time, time]:
    match = _HOURS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} are no hours; write them like 07:00-17:00")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    if start == end:
        raise UsageError(f"{text!r}: quiet all day means never; `schedule pause` does that")
    return start, end


def _within(moment: time, start: time, end: time) -> bool:
    if start < end:
        return start <= moment < end
    return moment >= start or moment < end


def _next(local: datetime, at: time) -> datetime:
    """The next moment at which the clock shows `at`."""
    today = datetime.combine(local.date(), at, LOCAL)
    return today if today > local else today + timedelta(days=1)
