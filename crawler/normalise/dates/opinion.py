"""dateparser as a second opinion, on the one token that the grammar cut out but could not settle.

It is asked in Vietnamese, day before month, and strictly; whatever it answers must use the numbers
that the token prints. On whole lines it reads figures as dates and loses Thursdays.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from crawler.normalise.dates.line import Line
from crawler.normalise.dates.lunar import speaks_lunar
from crawler.normalise.dates.moment import YEAR, ReadDate, day_of

_PART = rf"(?:ngày\s+\d\d?|tháng\s+[^\W_]+(?:\s+(?:một|hai)(?!\w))?|(?:năm\s+)?{YEAR})(?!\w)"
_TOKEN = re.compile(rf"(?<!\w){_PART}(?:[\s,.-]+{_PART}){{2}}(?![\d/%])", re.IGNORECASE)
"""`tháng 1 ngày 10 năm 2023`: day, month and year named, but not in the order of the grammar."""
_NUMBERS = re.compile(r"\d+")


def ask_dateparser(line: Line) -> ReadDate | None:
    """The day that dateparser sees in the one such token of a line, flagged; None if none."""
    tokens = _TOKEN.findall(line.shown) if "ngay" in line.folded else []
    if len(tokens) != 1 or speaks_lunar(line.folded):
        return None
    answer = _parser().get_date_data(tokens[0])
    if answer.date_obj is None or answer.period != "day":
        return None
    day = day_of(answer.date_obj.year, answer.date_obj.month, answer.date_obj.day)
    printed = set(map(int, _NUMBERS.findall(tokens[0])))
    if day is None or not printed <= {day.day, day.month, day.year}:
        return None
    return ReadDate(day, "day", ("by_dateparser",))


@cache
def _parser() -> Any:
    """Imported here: it takes longer to load than a thousand pages to read."""
    from dateparser.date import DateDataParser

    settings = {"DATE_ORDER": "DMY", "STRICT_PARSING": True, "PARSERS": ["absolute-time"]}
    return DateDataParser(languages=["vi"], settings=settings)
