"""A date as read: a moment, how exact it is, and what is to be said about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")

Precision = Literal["second", "minute", "day", "month", "year"]
Order = Literal["DMY", "MDY"]

YEAR = r"(?:19|20)\d\d"
_ISO_CHARS = {"day": 10, "month": 7, "year": 4}


@dataclass(frozen=True, slots=True)
class ReadDate:
    """A date as read."""

    value: datetime
    """Aware, Asia/Ho_Chi_Minh; the parts below the precision are 1 and 00:00."""
    precision: Precision
    flags: tuple[str, ...] = ()
    """Of the closed set of DESIGN §7, sorted."""

    def iso(self) -> str:
        """ISO 8601 cut to the precision: `2023-01-10T16:33:00+07:00`, `2023-01-10`, `2023-01`."""
        if self.precision in ("second", "minute"):
            return self.value.isoformat()
        return self.value.date().isoformat()[: _ISO_CHARS[self.precision]]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day as written."""

    hour: int
    minute: int = 0
    second: int | None = None

    @property
    def no_time(self) -> bool:
        """00:00:00 and 12:00:00 are what software writes when it knows only the day."""
        return self.hour in (0, 12) and self.minute == 0 and self.second == 0


def day_of(year: int, month: int, day: int) -> datetime | None:
    """The local midnight that a day begins with; None if there is no such day."""
    try:
        return datetime(year, month, day, tzinfo=LOCAL)
    except ValueError:
        return None


def at_clock(
    day: datetime, clock: Clock | None, zone: timezone | None = None, flags: Iterable[str] = ()
) -> ReadDate:
    """A day with the clock beside it (local, unless a zone is given), as exact as they are."""
    if clock is None:
        return read_as(day, "day", flags)
    written = day.replace(hour=clock.hour, minute=clock.minute, second=clock.second or 0)
    moment = written if zone is None else written.replace(tzinfo=zone).astimezone(LOCAL)
    local_midnight = moment.hour == moment.minute == 0 and clock.second == 0
    if clock.no_time or local_midnight:
        return read_as(moment, "day", {*flags, "midnight_like"})
    return read_as(moment, "minute" if clock.second is None else "second", flags)


def read_as(moment: datetime, precision: Precision, flags: Iterable[str] = ()) -> ReadDate:
    """A moment with what lies below its precision cut off."""
    if precision == "second":
        cut = moment.replace(microsecond=0)
    elif precision == "minute":
        cut = moment.replace(second=0, microsecond=0)
    else:
        month = 1 if precision == "year" else moment.month
        cut = datetime(moment.year, month, moment.day if precision == "day" else 1, tzinfo=LOCAL)
    return ReadDate(cut, precision, tuple(sorted(flags)))


def offset(sign: str, hours: str, minutes: str | None = None) -> timezone | None:
    """The zone of a written offset (`+`, `07`, `00`); None if there is no such zone."""
    east = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if east > timedelta(hours=14):
        return None
    return timezone(-east if sign == "-" else east)
