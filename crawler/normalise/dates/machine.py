"""Dates written by machines for machines; the whole string has to be one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from crawler.normalise.dates.grammar import ENGLISH_MONTHS
from crawler.normalise.dates.moment import (
    LOCAL,
    YEAR,
    Clock,
    ReadDate,
    at_clock,
    day_of,
    offset,
    read_as,
)

_MONTHS = "|".join(ENGLISH_MONTHS)
_CLOCK = r"(?P<h>[01]\d|2[0-3]):?(?P<min>[0-5]\d)(?::?(?P<s>[0-5]\d))?"
_ZONE = r"(?:\s?(?P<zone>z|ict|(?:utc|gmt)?(?P<sign>[+-]|\ (?=\d\d:))(?P<east>\d\d)(?::?(?P<quarter>\d\d))?|utc|gmt)(?:\s?\([^)]*\))?)?"
_ISO = re.compile(
    rf"(?P<y>{YEAR})(?P<dash>-?)(?P<m>\d\d)(?P=dash)(?P<d>\d\d)"
    rf"(?:[t ]{_CLOCK}(?:[.,]\d+)?{_ZONE}|{_CLOCK.replace('<', '<_')})?"
)
_PHP = re.compile(rf"(?P<date>{YEAR}-\d\d-\d\d)\+07(?P<clock>\d\d:\d\d:\d\d)")
_RFC822 = re.compile(
    rf"(?:[a-z]{{3}},\s*)?\d\d? (?:{_MONTHS}) \d{{2,4}} \d\d:\d\d(?::\d\d)? (?:gmt|ut|utc|z|[+-]\d{{4}})"
)
_CTIME = re.compile(
    rf"[a-z]{{3}} (?P<mon>{_MONTHS})\s+(?P<d>\d\d?)(?: (?P<y>{YEAR}))? {_CLOCK}{_ZONE}(?: (?P<last>{YEAR}))?"
)
_EPOCH = re.compile(
    r"(?:\\?/|new )?(?:date\()?(?P<seconds>\d{10})(?P<milli>\d{3})?(?:[+-]\d{4})?(?:\)\\?/?)?"
)
_NEXT_DAY = timedelta(days=1)
_FIRST_EPOCH = 1_000_000_000
"""September 2001: what has fewer digits and is padded with a zero is a telephone number."""


def read_machine(folded: str, now: datetime) -> ReadDate | None:
    """ISO 8601, RFC 822, ctime and JavaScript, epoch, `/Date(ms)/`; None for anything else.

    Without a zone the moment is local. `now` bounds epochs: later ones are some other number.
    """
    text = folded.strip()
    if match := _ISO.fullmatch(text):
        return _read_iso(match)
    if match := _EPOCH.fullmatch(text):
        return read_epoch(int(match["seconds"]), now)
    if match := _PHP.fullmatch(text):  # `Y-m-dTH:i:s` of PHP, which prints the zone for T
        return read_machine(f"{match['date']}t{match['clock']}", now)
    if match := _CTIME.fullmatch(text):
        return _read_ctime(match)
    return _read_rfc822(text) if _RFC822.fullmatch(text) else None


def read_epoch(seconds: int, now: datetime) -> ReadDate | None:
    """Seconds since 1970; None if that is not yet, or too long ago."""
    if seconds < _FIRST_EPOCH:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return read_as(moment.astimezone(LOCAL), "second") if moment <= now + _NEXT_DAY else None


def _read_iso(match: re.Match[str]) -> ReadDate | None:
    day = day_of(int(match["y"]), int(match["m"]), int(match["d"]))
    if day is None:
        return None
    hour, minute, second = (match[name] or match["_" + name] for name in ("h", "min", "s"))
    clock = Clock(int(hour), int(minute), int(second) if second else None) if hour else None
    return at_clock(day, clock, _zone(match))


def _read_ctime(match: re.Match[str]) -> ReadDate | None:
    """`Tue Jan 10 16:33:00 ICT 2023` of C and Java, `Tue Jan 10 2023 16:33:00 GMT+0700` of browsers."""
    year = match["y"] or match["last"]
    day = year and day_of(int(year), ENGLISH_MONTHS.index(match["mon"]) + 1, int(match["d"]))
    if not day:
        return None
    second = int(match["s"]) if match["s"] else None
    return at_clock(day, Clock(int(match["h"]), int(match["min"]), second), _zone(match))


def _zone(match: re.Match[str]) -> timezone | None:
    """The zone written; None where none is. A `+` that became a space in a query is one."""
    if match["east"]:
        return offset(match["sign"], match["east"], match["quarter"])
    return {"z": UTC, "utc": UTC, "gmt": UTC}.get(match["zone"] or "")


def _read_rfc822(text: str) -> ReadDate | None:
    """`Tue, 10 Jan 2023 09:33:00 GMT`, as HTTP and RSS write it (RFC 5322 §3.3)."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    zone = moment.tzinfo if isinstance(moment.tzinfo, timezone) else UTC
    seconds = moment.second if text.count(":") == 2 else None
    midnight = moment.replace(hour=0, minute=0, second=0, tzinfo=LOCAL)
    return at_clock(midnight, Clock(moment.hour, moment.minute, seconds), zone)
