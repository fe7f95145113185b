"""The number in an address that tells one article from another: `…?CateID=13&ItemID=101`, 101."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from storage.bounds import pattern_of

_DIGITS = re.compile(r"\d+")
_DIGITS_MAX = 12
"""Longer ones are times or hashes, not counters."""
_DISTINCT = 0.8
"""Share of the addresses of a form that must differ in a number for it to be their number."""
_FEWEST = 3


def numbers_of(urls: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Form and number of each address that has one; addresses of one form are numbered together.

    In each form it is the number that differs most from address to address, if it differs in
    nearly all; of equals the last.
    """
    forms: defaultdict[str, list[str]] = defaultdict(list)
    for url in urls:
        forms[pattern_of(url)].append(url)
    found: dict[str, tuple[str, int]] = {}
    for form, same in forms.items():
        place = _place(same)
        if place is not None:
            numbers = {url: _numbers(url)[place] for url in same}
            found |= {url: (form, number) for url, number in numbers.items() if number >= 0}
    return found


def _place(urls: list[str]) -> int | None:
    rows = [_numbers(url) for url in urls]
    length = min(len(row) for row in rows)
    if len(urls) < _FEWEST or not length:
        return None
    distinct = [len({row[place] for row in rows}) for place in range(length)]
    best = max(range(length), key=lambda place: (distinct[place], place))
    return best if distinct[best] >= _DISTINCT * len(urls) else None


def _numbers(url: str) -> list[int]:
    return [int(digits) if len(digits) <= _DIGITS_MAX else -1 for digits in _DIGITS.findall(url)]
