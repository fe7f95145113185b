"""What stands beside a date: weekday, clock and zone, in any order, among small words.

The text before and behind a date is split into pieces; those next to it are taken in until a word
comes that belongs to something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timezone

from crawler.normalise.dates.moment import Clock, offset

_BEFORE_CHARS, _AFTER_CHARS = 72, 56

CLOCK_START = r"\d\d?\s?(?::|[hg](?![a-z])|gio\b)"
"""How a clock begins, for those who must not take its hour for something else."""

_PIECE = re.compile(
    r"""
    (?P<zone>
        (?:gmt|utc|ict)\s?(?P<sign1>[+-])\s?(?P<east1>\d\d?)(?::?(?P<min1>\d\d))?(?!\d)
      | (?P<sign2>[+-])(?P<east2>\d\d):?(?P<min2>\d\d)(?![\d/.-])
      | (?P<named>gmt|utc|ict)(?![a-z]) )
  | (?P<clock>
        (?P<hour>\d\d?)
        (?: \s?:\s?(?P<m1>[0-5]\d|\d(?!\d)) (?:\s?:\s?(?P<s1>[0-5]\d|\d(?!\d)) (?:[.,]\d{3}(?!\d))?)?
          | \s?[hg](?:\s?:?\s?(?P<m2>[0-5]\d|\d(?!\d)))?\s?(?:p(?:h|hut)?(?![a-z])|m(?:in)?(?![a-z]))?
            (?:\s?(?P<s2>[0-5]?\d)\s?(?:s|giay|'')(?![a-z]))?(?![a-z]*/)(?=$|[^a-z]|sang|trua|chieu|toi|dem|ngay|luc)
          | \s*gio(?:\s*(?P<m3>[0-5]?\d)(?!\d)(?:\s*phut)?|\s+(?P<half_past>ruoi))?
            (?:,?\s*(?P<s3>[0-5]?\d)\s*giay)? )
        (?:\s?'{1,2})?
        (?:[\s:]*(?P<half>sa|ch|[ap]\.?m\.?|sang|trua|chieu|toi|dem)(?![a-z]))? )
  | (?P<weekday> thu?\s*\.?\s*(?P<vn>hai|ba|tu|nam|sau|bay|[2-7])(?![a-z])
      | t\s?\.?\s?(?P<short>[2-7])(?![\da-z]) | t\.\s?(?P<word>hai|ba|tu|nam|sau|bay)(?![a-z])
      | (?P<sunday>(?:chua?|c\.?)\s*nhat|c\.?n(?![a-z]))
      | (?P<english>mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?P<day>day)?(?![a-z]) )
  | (?P<link> (?:ngay|hom|luc|vao|hoi|khi|at|on|sang|trua|chieu|toi|dem|t(?=\d))(?![a-z]) )
  | (?P<range> (?:den|va)(?![a-z]) | [~&] )
  | (?P<number> \d\d?(?:\s?[/.-]\s?\d\d?)?(?![\d/.:%]) )
  | (?P<figure> \d[\d.,/:%-]* )
  | (?P<letters> [a-z]+ )
  | (?P<glue> [^a-z0-9~&+-]+ | [+-] )
    """,
    re.VERBOSE,
)
_WEEKDAYS = {
    "hai": 0, "2": 0, "ba": 1, "3": 1, "tu": 2, "4": 2, "nam": 3, "5": 3, "sau": 4, "6": 4,
    "bay": 5, "7": 5, "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
}  # fmt: skip
_AFTERNOON = dict.fromkeys(("ch", "pm", "chieu", "toi"), range(12)) | {
    "trua": range(4),
    "dem": range(6, 12),
}
"""The hours that a word sets behind noon."""
_ORDINAL = re.compile(r"(?:lan|hop|khoa|dot|ky)\s+$")
_JOINS = re.compile(r"[-,;&~]|\b(?:va|den)\b")
_AND = re.compile(r"\b(?:va|den)\b")
_DAY_AND_MORE = re.compile(r"\d\d?\s?[-/.]\s?\d\d?(?:[-/.]1[0-8]\d\d)?")
_BEFORE_LISTS = re.compile(r"(?:^|[-,;&(]|\b(?:ngay|tu|va|den|sang|chieu|toi|cac|trong))\s*$")

Piece = re.Match[str]


@dataclass(slots=True)
class Beside:
    """What was found beside a date."""

    weekday: int | None = None
    """Monday is 0."""
    clocks: tuple[Clock, ...] = ()
    zone: timezone | None = None
    linked: bool = False
    """A word such as `ngày` leads to the date, or a weekday or clock stands beside it."""
    listed: bool = False
    """The date ends a list or a range of days (`20, 21, 22/9/2022`)."""
    first: int = 0
    """Where the first of these pieces begins."""
    last: int = 0
    """Where the last of them ends."""

    @property
    def clock(self) -> Clock | None:
        """The one clock; None if there is none, or several that differ."""
        return self.clocks[0] if len(set(self.clocks)) == 1 else None


def look_beside(text: str, start: int, end: int) -> Beside:
    """The neighbours of the date that stands at text[start:end] (folded)."""
    found = Beside(first=start, last=end)
    lowest = max(0, start - _BEFORE_CHARS)
    before = list(_PIECE.finditer(text, lowest, start)) if start else []
    _take(found, text, reversed(before), leftward=True)
    if end < len(text):
        _take(found, text, _PIECE.finditer(text, end, end + _AFTER_CHARS), leftward=False)
    return found


def _take(found: Beside, text: str, pieces: Iterable[Piece], *, leftward: bool) -> None:
    joint = ""  # what stands between the date and the piece looked at
    for piece in pieces:
        kind = piece.lastgroup
        if kind in ("glue", "link", "range"):
            joint += piece[0]
            found.linked |= leftward and kind == "link"
            continue
        if kind in ("number", "figure") and leftward:
            found.listed |= _lists(text, piece, joint)
        if not _take_piece(found, text, piece, kind):
            return
        found.linked = True
        if leftward:
            found.first = piece.start()
        else:
            found.last = piece.end()


def _take_piece(found: Beside, text: str, piece: Piece, kind: str | None) -> bool:
    if kind == "clock" and (clock := _clock(piece)):
        found.clocks += (clock,)
        return True
    if kind == "zone":
        found.zone = found.zone or _zone(piece)
        return True
    if kind == "weekday" and found.weekday is None:
        found.weekday = _weekday(text, piece)
        return found.weekday is not None
    return False


def _lists(text: str, number: Piece, joint: str) -> bool:
    """Whether a number before a date is another day: joined to it, and nothing else's value."""
    if not _JOINS.search(joint):
        return False
    if _DAY_AND_MORE.fullmatch(number[0]):
        return True
    before = text[max(0, number.start() - 12) : number.start()]
    alone = number.lastgroup == "number" and _BEFORE_LISTS.search(before)
    return bool(alone or (before.endswith("thang ") and _AND.search(joint)))


def _clock(piece: Piece) -> Clock | None:
    hour = int(piece["hour"])
    minute = int(piece["m1"] or piece["m2"] or piece["m3"] or (30 if piece["half_past"] else 0))
    second = piece["s1"] or piece["s2"] or piece["s3"]
    half = (piece["half"] or "").replace(".", "")
    if hour > 23 or (half == "dem" and hour == 12):  # 12 at night ends a day or begins it
        return None
    if hour in _AFTERNOON.get(half, ()):
        hour += 12
    elif hour == 12 and half in ("sa", "am", "sang"):
        hour = 0
    return Clock(hour, minute, int(second) if second else None)


def _zone(piece: Piece) -> timezone | None:
    if piece["named"]:
        return offset("+", "7" if piece["named"] == "ict" else "0")
    if piece["sign1"]:
        return offset(piece["sign1"], piece["east1"], piece["min1"])
    return offset(piece["sign2"], piece["east2"], piece["min2"])


def _weekday(text: str, piece: Piece) -> int | None:
    """Monday is 0; None for ordinals (`kỳ họp thứ 5`) and names that look like a weekday."""
    if piece["sunday"]:
        return 6
    if written := piece["vn"] or piece["short"] or piece["word"]:
        ordinal = piece["vn"] and _ORDINAL.search(text, max(0, piece.start() - 8), piece.start())
        return None if ordinal else _WEEKDAYS[written]
    follows = text[piece.end() : piece.end() + 1]
    if piece["day"] or piece.start() == 0 or follows == ",":
        return _WEEKDAYS[piece["english"][:3]]
    return None
