"""Printed dates read: a closed grammar, which would rather know nothing than guess.

`read_date` finds the one full date of a string as portals print it, with its weekday and clock,
whatever stands around them. Day before month unless the site says otherwise; a printed weekday
is a checksum on that: it agrees, contradicts, or decides where one order is impossible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Literal
from zoneinfo import ZoneInfo

from crawler.normalise.latin import fold_letters

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")

Precision = Literal["second", "minute", "day", "month", "year"]
Order = Literal["DMY", "MDY"]


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
        return self.value.date().isoformat()[: {"day": 10, "month": 7, "year": 4}[self.precision]]


def read_date(raw: str, *, fetched_at: datetime, order: Order = "DMY") -> ReadDate | None:
    """The date that a string prints; None if it prints none, or none for certain.

    Dates without a year, ranges and impossible dates give None. `fetched_at` is the capture's
    time; two-digit years up to the one after it belong to this century.
    Raises ValueError if `fetched_at` is naive.
    """
    if fetched_at.tzinfo is None:
        raise ValueError("fetched_at is naive; give the capture's time with its zone")
    text = fold_letters(raw)
    if machine := _read_iso(text) or _read_rfc822(text):
        return machine
    for match in _candidates(text):
        return _read_match(text, match, fetched_at, order)
    return None


# --- the pieces, over folded text --------------------------------------------------------------

_MONTH_WORDS = {
    "gieng": 1, "mot": 1, "hai": 2, "ba": 3, "tu": 4, "nam": 5, "sau": 6, "bay": 7, "tam": 8,
    "chin": 9, "muoi": 10, "muoi mot": 11, "muoi hai": 12,
}  # fmt: skip
_ENGLISH_MONTHS = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_WEEKDAYS = {
    "hai": 0, "2": 0, "ba": 1, "3": 1, "tu": 2, "4": 2, "nam": 3, "5": 3, "sau": 4, "6": 4,
    "bay": 5, "7": 5, "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
}  # fmt: skip

_MONTH = r"\d{1,2}|muoi\s+mot|muoi\s+hai|" + "|".join(w for w in _MONTH_WORDS if " " not in w)
_ENGLISH = "|".join(_ENGLISH_MONTHS)
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"""
    (?<!\d)(?<!\d[/.,])(?<!/)
    (?: (?P<y1>{_YEAR})\s?(?P<s1>[-/.])\s?(?P<m1>\d{{1,2}})\s?(?P=s1)\s?(?P<d1>\d{{1,2}})
      | (?P<a2>\d{{1,2}})\s*(?P<s2>[-/.])\s*(?P<b2>\d{{1,2}})\s*(?P=s2)\s*(?P<y2>{_YEAR}|\d\d)
      | (?P<d3>\d{{1,2}})\s*[-,]?\s*(?:thang|thg|th|t)\b\.?\s*(?P<m3>{_MONTH})\b\s*[,./-]?\s*(?:nam\s*)?(?P<y3>{_YEAR})
      | (?P<d3b>\d{{1,2}})\s*(?:thang|thg|th|t)\.?(?P<m3b>\d{{1,2}})\s*[,./-]?\s*(?:nam\s*)?(?P<y3b>{_YEAR})
      | \b(?:thang|thg|th)\.?\s*(?P<m4>\d{{1,2}})\s+(?P<d4>\d{{1,2}})\s*,\s*(?P<y4>{_YEAR})
      | (?P<d5>\d{{1,2}})[\s-](?P<m5>{_ENGLISH})[a-z]*\.?,?[\s-](?P<y5>{_YEAR})
      | \b(?P<m6>{_ENGLISH})[a-z]*\.?\s(?P<d6>\d{{1,2}}),?\s(?P<y6>{_YEAR})
    )
    (?!\d|\s?%|[/.,-]\d|\s*/)
    """,
    re.VERBOSE,
)
_MONTH_ONLY = re.compile(
    rf"\bthang\s*(?P<m>{_MONTH})\s*(?:[/.,-]|nam)?\s*(?:nam\s*)?(?P<y>{_YEAR})(?![\d/%-])"
)
_RANGE = re.compile(r"\s*(?:-|den|toi)\s*(?:het\s*)?(?:ngay\s*)?\d{1,2}\s?[-/.]\s?\d{1,2}\b")
_LUNAR = re.compile(r"\s*\(?\s*(?:am\s+lich|al)\b")
_CLOCK = (
    r"(?P<h>\d{1,2})(?:\s?:\s?(?P<min>\d{2})(?::(?P<s>\d{2})(?:\.\d+)?)?"
    r"|\s?h\s?(?P<min2>\d{2})?'?|\s*gio(?:\s*(?P<min3>\d{1,2})\s*(?:phut)?)?)"
    r"\s*(?P<half>sa|ch|am|pm|sang|chieu|toi|trua|dem)?\b"
)
_WEEKDAY = (
    r"(?:(?:thu\s*(?P<wd>hai|ba|tu|nam|sau|bay|[2-7])|t\.?\s?(?P<wt>[2-7])|(?P<ws>chu\s*nhat|cn)"
    r"|(?P<we>mon|tue|wed|thu|fri|sat|sun)[a-z]*)\b)"
)
_GLUE = r"[\s,.|()\-_:;]*"
_CLOCK_BEFORE = re.compile(rf"(?<![\d:/.,]){_CLOCK}{_GLUE}(?:ngay\s*)?$")
_CLOCK_AFTER = re.compile(
    rf"{_GLUE}(?:vao\s+)?(?:luc\s*:?\s*|t(?=\d))?(?<![\d:]){_CLOCK}(?!\s?[%/])"
)
_WEEKDAY_BEFORE = re.compile(rf"(?<![a-z0-9]){_WEEKDAY}{_GLUE}(?:ngay\s*)?$")
_WEEKDAY_AFTER = re.compile(rf"{_GLUE}{_WEEKDAY}")
_ISO = re.compile(
    rf"\s*(?P<date>{_YEAR}-\d\d-\d\d)[t ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.\d+)?"
    r"(?:\s?(?P<zone>z|[+-]\d\d(?::?\d\d)?))?\s*"
)
_RFC822 = re.compile(
    rf"\s*(?:[a-z]{{3}},\s*)?\d{{1,2}} (?:{_ENGLISH}) \d{{4}} \d\d:\d\d:\d\d (?:gmt|ut|z|[+-]\d{{4}})\s*"
)


def _candidates(text: str) -> Iterator[re.Match[str]]:
    for match in _DATE.finditer(text):
        if _LUNAR.match(text, match.end()) or _RANGE.match(text, match.end()):
            continue
        yield match
        return
    for match in _MONTH_ONLY.finditer(text):
        yield match


# --- from pieces to a moment -------------------------------------------------------------------


def _read_iso(text: str) -> ReadDate | None:
    """Machine-readable: ISO 8601 with a clock, the zone local where none is given."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['clock']}")
    except ValueError:
        return None
    moment = moment.replace(tzinfo=_zone(match["zone"])).astimezone(LOCAL)
    precision: Precision = "second" if match["clock"].count(":") == 2 else "minute"
    return _cut(moment, precision, set())


def _read_rfc822(text: str) -> ReadDate | None:
    """`Tue, 10 Jan 2023 09:33:00 GMT`, as HTTP and RSS write it (RFC 5322 §3.3)."""
    if not _RFC822.fullmatch(text):
        return None
    try:
        return _cut(parsedate_to_datetime(text).astimezone(LOCAL), "second", set())
    except ValueError:
        return None


def _zone(written: str | None) -> timezone | ZoneInfo:
    if written is None:
        return LOCAL
    if written == "z":
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if written[0] == "-" else offset)


def _read_match(
    text: str, match: re.Match[str], fetched_at: datetime, order: Order
) -> ReadDate | None:
    parts = {name.rstrip("b123456"): value for name, value in match.groupdict().items() if value}
    if "a2" in match.re.groupindex and match["a2"]:
        return _read_numeric(text, match, fetched_at, order)
    month = _month(parts["m"])
    if "d" not in parts:
        moment = _moment(int(parts["y"]), month, 1)
        return ReadDate(moment, "month") if moment else None
    moment = _moment(int(parts["y"]), month, int(parts["d"]))
    if moment is None:
        return None
    left, weekday = _weekday(text, match)
    flags = set() if weekday is None else {_verdict(moment, weekday)}
    return _with_clock(text, left, match.end(), moment, flags)


def _month(written: str) -> int:
    written = " ".join(written.split())
    if written.isdigit():
        return int(written)
    if written in _MONTH_WORDS:
        return _MONTH_WORDS[written]
    return _ENGLISH_MONTHS.index(written) + 1


def _read_numeric(
    text: str, match: re.Match[str], fetched_at: datetime, order: Order
) -> ReadDate | None:
    first, second, flags = int(match["a2"]), int(match["b2"]), set()
    year = int(match["y2"])
    if len(match["y2"]) == 2:
        year += 2000 if 2000 + year <= fetched_at.astimezone(LOCAL).year + 1 else 1900
        flags.add("two_digit_year")
    day_first, month_first = _moment(year, second, first), _moment(year, first, second)
    declared, other = (day_first, month_first) if order == "DMY" else (month_first, day_first)
    left, weekday = _weekday(text, match)
    moment = declared
    if (
        weekday is not None
        and other is not None
        and other.weekday() == weekday
        # Day before month is the country's own order: a weekday alone does not overrule it.
        and (declared is None or (order == "MDY" and declared.weekday() != weekday))
    ):
        moment = other
        flags.add("weekday_decided_order")
    if moment is None:
        return None
    if weekday is not None and "weekday_decided_order" not in flags:
        flags.add(_verdict(moment, weekday))
    return _with_clock(text, left, match.end(), moment, flags)


def _moment(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=LOCAL)
    except ValueError:
        return None


def _weekday(text: str, match: re.Match[str]) -> tuple[int, int | None]:
    """Where the text left of date and weekday ends, and the weekday (Monday is 0)."""
    before = _WEEKDAY_BEFORE.search(text[: match.start()])
    if before is not None:
        return before.start(), _weekday_number(before)
    after = _WEEKDAY_AFTER.match(text, match.end())
    return match.start(), _weekday_number(after) if after else None


def _weekday_number(match: re.Match[str]) -> int:
    if match["ws"]:
        return 6
    return _WEEKDAYS[match["wd"] or match["wt"] or match["we"]]


def _verdict(moment: datetime, weekday: int) -> str:
    return "weekday_agrees" if moment.weekday() == weekday else "weekday_contradicts"


def _with_clock(text: str, left: int, right: int, moment: datetime, flags: set[str]) -> ReadDate:
    """Add the clock beside the date, if there is one; behind the date before in front of it."""
    for match in (_CLOCK_AFTER.match(text, right), _CLOCK_BEFORE.search(text[:left])):
        clock = _clock(match) if match else None
        if clock is not None:
            hour, minute, second = clock
            precision: Precision = "minute" if second is None else "second"
            moment = moment.replace(hour=hour, minute=minute, second=second or 0)
            return _cut(moment, precision, flags)
    return ReadDate(moment, "day", tuple(sorted(flags)))


def _clock(match: re.Match[str]) -> tuple[int, int, int | None] | None:
    hour = int(match["h"])
    minute = int(match["min"] or match["min2"] or match["min3"] or 0)
    second = int(match["s"]) if match["s"] else None
    half = match["half"]
    if half in ("ch", "pm", "chieu", "toi") and hour < 12:
        hour += 12
    if half in ("sa", "am") and hour == 12:
        hour = 0
    if hour > 23 or minute > 59 or (second or 0) > 59:
        return None
    return hour, minute, second


def _cut(moment: datetime, precision: Precision, flags: set[str]) -> ReadDate:
    """A clock of 00:00:00 or 12:00:00 is what software prints when it knows only the day."""
    if precision == "second" and (moment.hour in (0, 12)) and not (moment.minute or moment.second):
        return ReadDate(moment.replace(hour=0), "day", tuple(sorted(flags | {"midnight_like"})))
    return ReadDate(moment, precision, tuple(sorted(flags)))
