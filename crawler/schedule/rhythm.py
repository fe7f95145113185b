"""Rhythms: from `15 2 * * *`, `6h` or `adaptive` to the moments at which a site falls due.

Moments are of Asia/Ho_Chi_Minh, whatever zone the machine is in. APScheduler's triggers find them;
nothing is remembered between two calls, so a moment depends on the rhythm and the site only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from storage.errors import UsageError
from storage.times import LOCAL

ADAPTIVE = "adaptive"
PUBLICATIONS = 20
"""So many of a site's newest articles tell how often it publishes."""
_LADDER = tuple(timedelta(hours=hours) for hours in (3, 6, 12, 24, 48, 96, 168))
"""An adaptive rhythm is one of these, so that it does not change with every article."""
_UNKNOWN = timedelta(days=1)
_SHORTEST = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # before any clock, even one whose battery is empty
_DURATION = re.compile(r"(\d+)([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 86400}
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_duration(text: str) -> timedelta:
    """`30m`, `6h`, `2d`. Raises UsageError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"{text!r} is no length of time; write it like 30m, 6h or 2d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def read_rhythm(cron: str | None, every: str | None, adaptive: bool) -> str:
    """The one rhythm given, as the table has it (`Schedule.rhythm`). Raises UsageError."""
    given = [cron is not None, every is not None, adaptive]
    if sum(given) != 1:
        raise UsageError('give one of --cron "15 2 * * *", --every 6h and --adaptive')
    if cron is not None:
        return f"cron {' '.join(_checked_cron(cron))}"
    if every is not None:
        length = read_duration(every)
        if length < _SHORTEST:
            raise UsageError(f"--every {every} is too often; every 10m is the least")
        return f"every {int(length.total_seconds())}"
    return ADAPTIVE


def say_rhythm(rhythm: str) -> str:
    """A rhythm for people."""
    kind, _, rest = rhythm.partition(" ")
    return f"every {say_duration(timedelta(seconds=int(rest)))}" if kind == "every" else rhythm


def say_duration(length: timedelta) -> str:
    """The shortest form that `read_duration` takes: `36h`, `2d`."""
    seconds = int(length.total_seconds())
    unit = next(unit for unit in "dhm" if seconds % _UNITS[unit] == 0 or unit == "m")
    return f"{round(seconds / _UNITS[unit])}{unit}"


def adaptive_length(days: Sequence[str], today: date) -> timedelta:
    """How long to wait between two looks at a portal that published on these days, newest first.

    About as long as it takes to publish once, counted until today, so that a portal that has gone
    quiet is looked at less and less; never more often than every 3 hours, never less than weekly.
    A day where nothing is known yet.
    """
    if not days:
        return _UNKNOWN
    span = max(timedelta(0), today - date.fromisoformat(days[-1]))
    return next((step for step in _LADDER if step * len(days) >= span), _LADDER[-1])


def next_due(rhythm: str, site: str, spread_seconds: int, after: datetime) -> datetime:
    """The first moment later than `after` at which this site falls due.

    An adaptive rhythm comes here as `every`, its length known (see `adaptive_length`).
    Raises UsageError if there is none: the 31st of February.
    """
    return _moments(rhythm, site, spread_seconds, after, 1)[0]


def period(rhythm: str, site: str, after: datetime) -> timedelta:
    """From the next moment to the one after it."""
    first, second = _moments(rhythm, site, 0, after, 2)
    return second - first


def _moments(
    rhythm: str, site: str, spread_seconds: int, after: datetime, count: int
) -> list[datetime]:
    trigger, shift = _trigger(rhythm, site), _share(site, timedelta(seconds=spread_seconds))
    moment, found = after - shift, []
    for _ in range(count):
        fires = trigger.get_next_fire_time(None, moment + timedelta(microseconds=1))
        if fires is None:
            raise UsageError(f"{rhythm!r} never comes; no month has such a day")
        moment = fires
        found.append(fires + shift)
    return found


def _trigger(rhythm: str, site: str) -> BaseTrigger:
    kind, _, rest = rhythm.partition(" ")
    if kind == "cron":
        minute, hour, day, month, weekday = rest.split(" ")
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=LOCAL
        )
    length = timedelta(seconds=int(rest))
    return IntervalTrigger(
        seconds=int(rest), start_date=_EPOCH + _share(site, length), timezone=LOCAL
    )


def _share(site: str, length: timedelta) -> timedelta:
    """A site's own part of a span, always the same: starts are spread over the span."""
    number = int.from_bytes(hashlib.sha256(site.encode()).digest()[:8])
    return timedelta(seconds=number % max(1, int(length.total_seconds())))


def _checked_cron(text: str) -> list[str]:
    """The five fields, the weekday by names: APScheduler counts days from Monday, cron from
    Sunday (its issue 286)."""
    fields = text.lower().split()
    try:
        minute, hour, day, month, weekday = fields
        if day != "*" and weekday != "*":  # cron means either of them, APScheduler both
            raise UsageError(f"{text!r}: name days of the month or days of the week, not both")
        fields[4] = _weekdays(weekday)
        CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=fields[4])
    except ValueError as error:
        raise UsageError(
            f'{text!r} is no cron time ({error}); "15 2 * * *" is 02:15 every day, '
            '"0 3 * * 1" is 03:00 on Mondays'
        ) from error
    return fields


def _weekdays(field: str) -> str:
    """`1-5` -> `mon,tue,wed,thu,fri`. Raises ValueError."""
    if field == "*":
        return field
    days = []
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            first, last = "0", "6"
        start = _weekday(first)
        end = _weekday(last) if last else 6 if step else start
        days += list(_WEEKDAYS[start : end + 1 : int(step or 1)])
    if not days:
        raise ValueError(f"no day in {field!r}")
    return ",".join(dict.fromkeys(days))


def _weekday(name: str) -> int:
    return int(name) if name in tuple("01234567") else _WEEKDAYS.index(name)
