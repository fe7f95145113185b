"""How a full date is written, over folded text: numbers, month words, English."""

from __future__ import annotations

import re

from crawler.normalise.dates.beside import CLOCK_START
from crawler.normalise.dates.moment import YEAR

_MONTH_WORDS = {
    "gieng": 1, "mot": 1, "hai": 2, "ba": 3, "tu": 4, "bon": 4, "nam": 5, "sau": 6, "bay": 7,
    "tam": 8, "chin": 9, "muoi": 10, "muoi mot": 11, "muoi hai": 12,
}  # fmt: skip
"""`Giêng` is what .NET calls January; `Chạp` is only ever lunar."""

ENGLISH_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
ENGLISH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
MONTH = r"(?:\d\d?|muoi\s+mot|muoi\s+hai|" + "|".join(w for w in _MONTH_WORDS if " " not in w) + ")"
_THANG = r"(?:thang|thg\.?|th\.?)"
_GAP = r"[^a-z0-9]{0,3}"

DATE = re.compile(
    rf"""
    (?: (?<!\d) | (?<=[:h][0-5]\d) )  (?<!\d[/.])
    (?: (?P<y1>{YEAR})(?P<s1>\s?[-/.]\s?)(?P<m1>\d\d?)(?P=s1)(?P<d1>\d\d?)
      | (?P<a2>\d\d?)\s{{0,3}}(?P<s2>[-/.\\])\s{{0,3}}(?P<b2>\d\d?)\s{{0,3}}(?P=s2)\s{{0,3}}(?P<y2>{YEAR}|\d\d)
      | (?P<a3>\d\d?)\s?[-/.]\s?(?P<b3>\d\d?)\s?,?\s{{0,3}}nam\s+(?P<y3>{YEAR})
      | (?P<a4>\d\d)\ (?P<b4>\d\d)\ (?P<y4>{YEAR})
      | (?P<d5>\d\d?){_GAP}(?:{_THANG}|(?<=[-/])t(?=\d)){_GAP}(?P<m5>{MONTH})(?![a-z]){_GAP}(?:nam{_GAP})?(?P<y5>{YEAR})
      | (?<![a-z]){_THANG}\s*(?P<m6>{MONTH})\s+(?P<d6>\d\d?)\s*,?\s+(?P<y6>{YEAR})
      | (?P<d7>\d\d?)(?:st|nd|rd|th)?[\s/-](?:of\s)?(?P<m7>{ENGLISH})\.?,?[\s/-]{{1,2}}(?P<y7>{YEAR})
      | (?<![a-z])(?P<m8>{ENGLISH})\.?\s(?P<d8>\d\d?)(?:st|nd|rd|th)?,?\s(?P<y8>{YEAR})
    )
    (?: (?={CLOCK_START}) | (?!\d) )  (?!\s?%)  (?![/.](?!{CLOCK_START})\d)  (?!/[a-z])
    """,
    re.VERBOSE,
)
"""Fields are named by what they are (y, m, d; a and b where the order is open) and their form."""

CERTAIN_FORMS = frozenset("135678")


def fields(match: re.Match[str]) -> dict[str, str]:
    """The fields of a date as written, without the number of their form."""
    return {name[0]: value for name, value in match.groupdict().items() if value}


def form(match: re.Match[str]) -> str:
    """Which of the forms a date has: the number that its fields carry."""
    return next(name[1] for name, value in match.groupdict().items() if value)


def month_number(written: str) -> int:
    """The month of a number or word; out of 1..12 for numbers that are none."""
    written = " ".join(written.split())
    if written.isdigit():
        return int(written)
    return _MONTH_WORDS.get(written) or ENGLISH_MONTHS.index(written[:3]) + 1
