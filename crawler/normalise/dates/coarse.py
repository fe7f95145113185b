"""A month or a year alone: `tháng 9/2023`, `năm 2022`. Not quarters, terms, decades, targets."""

from __future__ import annotations

import re

from crawler.normalise.dates.grammar import MONTH, month_number
from crawler.normalise.dates.line import Line
from crawler.normalise.dates.lunar import speaks_lunar
from crawler.normalise.dates.moment import YEAR, ReadDate, day_of

_END = r"(?![\d/%]|\s?[-~]\s?\d|\s?den\s|[.,]\d)"
_MONTH = re.compile(
    rf"(?<![a-z])(?:thang\s*|(?<![\d/-])t\.?(?=\d))(?P<m>{MONTH})\s?[-/.,]?\s*(?:nam\s+)?(?P<y>{YEAR}){_END}"
)
_MONTH_ALONE = re.compile(rf"\W*(?P<m>0[1-9]|1[0-2])/(?P<y>{YEAR})\W*")
_YEAR = re.compile(rf"(?<![a-z])nam\s+(?P<y>{YEAR}){_END}")
_NOT_ONE = re.compile(
    r"(?:tu|den|toi|truoc|sau|qua|nhung|cac|giai\s+doan|nhiem\s+ky|thap\s+nien|tam\s+nhin|dinh\s+huong"
    r"|quy\s+(?:[iv]+|\d)|\d\s+thang(?:\s+(?:dau|cuoi))?|nua\s+(?:dau|cuoi)|tuan\s+\d+|va|,|-|\d)[\s,]*$"
)
_NOT_THE_YEAR = re.compile(r"(?<![a-z])(?:so\s{0,2}[:.]?\s{0,2}|ngay\s+)\d")
"""The year of a document's number, or of a day that could not be read."""


def read_coarse(line: Line) -> ReadDate | None:
    """The one month, else the one year, that a line names; None if it names several."""
    text = line.folded
    if speaks_lunar(text):
        return None
    if alone := _MONTH_ALONE.fullmatch(text):
        return _month(alone)
    months = [m for m in _MONTH.finditer(text) if _means_month(line, m)]
    if months:
        return _month(months[0]) if _one(text, months) else None
    years = [m for m in _YEAR.finditer(text) if line.says(m.start(), "năm", "nam")]
    if years and _one(text, years) and not _NOT_THE_YEAR.search(text):
        return _year(line, years[0])
    return None


def _means_month(line: Line, match: re.Match[str]) -> bool:
    return match[0][:2] != "th" or line.says(match.start(), "tháng", "thang")


def _one(text: str, matches: list[re.Match[str]]) -> bool:
    """Whether one span of time is meant, and no range or horizon (`đến năm 2030`)."""
    if len({(match.groupdict().get("m"), match["y"]) for match in matches}) > 1:
        return False
    return not any(_NOT_ONE.search(text, 0, match.start()) for match in matches)


def _month(match: re.Match[str]) -> ReadDate | None:
    day = day_of(int(match["y"]), month_number(match["m"]), 1)
    return ReadDate(day, "month") if day else None


def _year(line: Line, match: re.Match[str]) -> ReadDate | None:
    """`Nam` without its mark is a year only in a text that has no marks at all."""
    marked = line.says(match.start(), "năm")
    day = day_of(int(match["y"]), 1, 1)
    return ReadDate(day, "year") if day and (marked or line.shown.isascii()) else None
