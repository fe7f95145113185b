"""Lunar dates, which must not be read as solar ones: `rằm`, `mùng`, `Chạp`, `âm lịch`, can chi."""

from __future__ import annotations

import re

_STEM = r"(?:giap|at|binh|dinh|mau|ky|canh|tan|nham|quy)"
_BRANCH = r"(?:ty|suu|dan|mao|meo|thin|ngo|mui|than|dau|tuat|hoi)"
_NAMED = r"(?:am\s*lich|a\.?l\.?(?![a-z]))"
_BEFORE = re.compile(rf"(?<![a-z])(?:(?:mung|mong|ram)\s+|{_NAMED}\W{{0,3}}(?:ngay\s+)?)$")
_AFTER = re.compile(rf"\W{{0,3}}(?:{_NAMED}(?!\W*(?:ngay\W*)?\d)|nam\s+{_STEM}\s+{_BRANCH})")
_ANYWHERE = re.compile(
    rf"(?<![a-z])(?:{_NAMED}|mung\s+\d|mong\s+\d|ram\s+thang|thang\s+chap|{_STEM}\s+{_BRANCH}(?![a-z]))"
)


def is_lunar_at(text: str, start: int, end: int) -> bool:
    """Whether words around a date (folded text) make it a lunar one."""
    return bool(_BEFORE.search(text, max(0, start - 20), start) or _AFTER.match(text, end))


def speaks_lunar(text: str) -> bool:
    """Whether a line speaks of a lunar date anywhere."""
    return _ANYWHERE.search(text) is not None
