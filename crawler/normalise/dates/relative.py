"""Dates that count back from the moment of reading: `3 giờ trước`, `Hôm qua, 14:05`.

The whole line has to be one, but for a label or what a separator parts from it: within running
text (`so với 5 năm trước`) the same words count from another day.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from crawler.normalise.dates.beside import look_beside
from crawler.normalise.dates.line import Line
from crawler.normalise.dates.moment import Precision, ReadDate, at_clock, day_of, read_as

_NUMBERS = {
    "mot": 1, "hai": 2, "ba": 3, "bon": 4, "nam": 5, "sau": 6, "bay": 7, "tam": 8, "chin": 9,
    "muoi": 10, "a": 1, "an": 1,
}  # fmt: skip
_UNITS: dict[str, tuple[str, Precision]] = {
    "giay": ("seconds", "second"), "phut": ("minutes", "minute"), "gio": ("hours", "minute"),
    "tieng": ("hours", "minute"), "ngay": ("days", "day"), "hom": ("days", "day"),
    "tuan": ("weeks", "day"), "thang": ("months", "month"), "nam": ("years", "year"),
    "second": ("seconds", "second"), "min": ("minutes", "minute"), "minute": ("minutes", "minute"),
    "hour": ("hours", "minute"), "day": ("days", "day"), "week": ("weeks", "day"),
    "month": ("months", "month"), "year": ("years", "year"),
}  # fmt: skip
_EXACT: tuple[Precision, ...] = ("second", "minute", "day", "month", "year")
_DAYS_BACK = {"nay": 0, "today": 0, "qua": 1, "yesterday": 1, "kia": 2}
_WEEKDAYS = {"hai": 0, "ba": 1, "tu": 2, "nam": 3, "sau": 4, "bay": 5}

_LABEL = r"(?:(?:da|duoc|dang|tin|bai|viet|gui|cap nhat|lan cuoi|xuat ban|luc|vao|posted|updated|ngay)\s*:?\s+)*"
_AMOUNT = rf"(\d{{1,3}}|{'|'.join(_NUMBERS)})\s*(?:nhieu\s+)?({'|'.join(_UNITS)})s?(?![a-z])"
_AGO = re.compile(
    rf"{_LABEL}(?:(?:khoang|hon|gan|cach day|about)\s+)*(?P<amounts>{_AMOUNT}(?:\W+(?:va\s+)?{_AMOUNT})*)"
    r"\s*(?:truoc|ago)(?:\s+(?:day|kia|do))?"
)
_SINCE = re.compile(
    rf"{_LABEL}cach day\s+(?:(?:khoang|hon|gan)\s+)?(?P<amounts>{_AMOUNT}(?:\W+{_AMOUNT})*)"
)
_NOW = re.compile(
    rf"{_LABEL}(?:(?:vua|moi|vua moi)\s+(?:xong|dang|day|nay|cap nhat)|vua xong|vua moi|just now|ngay bay gio"
    r"|(?:vai|it)\s+(?:giay|phut)\s+truoc|nua phut truoc)"
)
_HALF = re.compile(rf"{_LABEL}(?:khoang\s+)?nua (?:gio|tieng) truoc")
_DAY = re.compile(
    rf"{_LABEL}(?P<day>(?:(?:ngay\s+)?hom\s+(?P<back>nay|qua|kia)|(?P<english>today|yesterday)"
    r"|(?:(?:thu\s*|t)(?P<weekday>hai|ba|tu|nam|sau|bay|[2-7])|(?P<sunday>chu\s*nhat|cn))\s+tuan\s+(?P<week>truoc|qua|roi|nay))(?![a-z]))"
)
_LAST = re.compile(
    rf"{_LABEL}(?:(?P<unit>thang|nam)\s+(?:truoc|ngoai|qua)|last (?P<english>month|year))"
)
_PARTS = re.compile(r"\s*[|•·;\n]\s*|\s+-+\s+|\s*,\s+(?=[a-z])")
_LONGEST = 100


def read_relative(line: Line, now: datetime) -> ReadDate | None:
    """The moment that a line counts back to from `now` (local); None if it is no such line."""
    text = line.folded
    if len(text) > _LONGEST:
        return None
    whole = text.strip(" .,;:-()[]")
    for part in dict.fromkeys([whole, *_PARTS.split(whole)]):
        if found := _read(part.strip(" .,;:-()[]"), now):
            return read_as(found.value, found.precision, {*found.flags, "relative"})
    return None


def _read(text: str, now: datetime) -> ReadDate | None:
    if (match := _AGO.fullmatch(text)) or (match := _SINCE.fullmatch(text)):
        return _ago(match["amounts"], now)
    if _NOW.fullmatch(text):
        return read_as(now, "minute")
    if _HALF.fullmatch(text):
        return read_as(now - timedelta(minutes=30), "minute")
    if match := _LAST.fullmatch(text):
        unit = match["unit"] or match["english"]
        return _ago(f"1 {unit}", now)
    return _day(text, now)


def _ago(amounts: str, now: datetime) -> ReadDate | None:
    """Months and years are counted on the calendar; the finest unit gives the precision."""
    months, back, finest = 0, timedelta(), len(_EXACT) - 1
    for number, unit in re.findall(_AMOUNT, amounts):
        count = int(number) if number.isdigit() else _NUMBERS[number]
        name, precision = _UNITS[unit]
        finest = min(finest, _EXACT.index(precision))
        if name in ("months", "years"):
            months += count * (12 if name == "years" else 1)
        else:
            back += timedelta(**{name: count})
    moment = _months_before(now, months)
    return read_as(moment - back, _EXACT[finest]) if moment else None


def _months_before(moment: datetime, months: int) -> datetime | None:
    """The same day so many months earlier, or the last one of a shorter month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    if year < 1900:
        return None
    for day in range(moment.day, 27, -1):
        if found := day_of(year, month + 1, day):
            return found.replace(hour=moment.hour, minute=moment.minute, second=moment.second)
    return moment.replace(year=year, month=month + 1)


def _day(text: str, now: datetime) -> ReadDate | None:
    """`Hôm qua`, `thứ 5 tuần trước`, with or without a clock, and with nothing else."""
    match = _DAY.search(text)
    if match is None:
        return None
    beside = look_beside(text, match.start(), match.end())
    rest = text[: beside.first] + text[beside.last :]
    if re.search("[a-z0-9]", rest):
        return None
    midnight = read_as(now, "day").value
    if match["week"]:
        weeks = 0 if match["week"] == "nay" else 1
        written = match["weekday"]
        weekday = (
            6
            if written is None
            else _WEEKDAYS[written]
            if written in _WEEKDAYS
            else int(written) - 2
        )
        back = now.weekday() - weekday + 7 * weeks
    else:
        back = _DAYS_BACK[match["back"] or match["english"]]
    return at_clock(midnight - timedelta(days=back), beside.clock) if back >= 0 else None
