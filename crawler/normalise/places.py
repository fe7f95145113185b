"""Which district an article is about, by its own words: for portals that carry many districts.

Office, title and lead are asked in this order; the first that names a district decides, and if it
names several, or one whose name several provinces have, nothing is known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from storage.places.gazetteer import Unit, gazetteer, name_key

_HEAD = re.compile(
    r"(?<!\w)(?:"
    r"(?P<h>huyện(?:\s+(?:u[ỷy]|ủy|đoàn))?)|(?P<q>quận(?:\s+(?:u[ỷy]|ủy|đoàn))?)"
    r"|(?P<tx>thị\s+(?:xã|u[ỷy]|ủy|đoàn)|tx\b\.?)|(?P<tp>thành\s+(?:phố|u[ỷy]|ủy|đoàn)|tp\b\.?)"
    r")\s*",
    re.IGNORECASE,
)
_KINDS = {"h": "huyện", "q": "quận", "tx": "thị xã", "tp": "thành phố"}
_PROVINCE = re.compile(r"[\s,(–-]*(?:tỉnh|thành\s+phố|tp\b\.?)?\s*", re.IGNORECASE)
_CHUNK = re.compile(r"[\s]*([^\s,;:()/“”\"…]+)")
_MAX_CHUNKS = 6
"""`Phan Rang - Tháp Chàm` has five, and one more is room."""


@dataclass(frozen=True, slots=True)
class ReadDistrict:
    """A district that a text names."""

    code: str
    day: str
    """The day whose codes `code` follows."""
    evidence: str
    """Where it is named and how: `title: huyện Bình Giang`."""


def read_district(
    *, office: str | None, title: str | None, lead: str | None, province: str | None = None
) -> ReadDistrict | None:
    """The one district that these strings (NFC) name; None if none or several. Raises: nothing.

    Names count only with their marks, and with capitals. `province` is the site's, if it has one.
    """
    for place, text in (("office", office), ("title", title), ("lead", lead)):
        mentions = list(_mentions(text, province)) if text else []
        if mentions:
            meant = set.intersection(*(units for units, _ in mentions))
            return _read(meant, f"{place}: {mentions[0][1]}")
    return None


def _read(meant: set[Unit], evidence: str) -> ReadDistrict | None:
    if len(meant) != 1:
        return None
    unit = meant.pop()
    return ReadDistrict(unit.code, unit.as_of, evidence)


def _mentions(text: str, province: str | None) -> Iterator[tuple[set[Unit], str]]:
    """The districts that each mention may mean, and its words."""
    for head in _HEAD.finditer(text):
        kind = _KINDS[str(head.lastgroup)]
        for end, bare in _names(text, head.end()):
            units = _districts().get((kind, name_key(bare)))
            if units:
                yield _within(units, text[end:], province), text[head.start() : end]
                break


def _names(text: str, start: int) -> Iterator[tuple[int, str]]:
    """End and words of what may be a name: runs of capitalised words, the longest first."""
    ends: list[int] = []
    position = start
    while len(ends) < _MAX_CHUNKS and (chunk := _CHUNK.match(text, position)):
        word = chunk[1]
        if not (word[0].isupper() or word[0].isdigit() or word in "-–"):
            break
        position = chunk.end()
        ends.append(position - (len(word) - len(word.rstrip("."))))
        if word.endswith("."):
            break
    yield from ((end, text[start:end]) for end in reversed(ends))


def _within(units: list[Unit], rest: str, province: str | None) -> set[Unit]:
    """Those of the province that the text names right behind, else of the site's, else all.

    A province is meant as it was, before what it is since July 2025: An Giang has two Châu Thành
    only since then.
    """
    named = _province_at(rest) or (name_key(province) if province else None)
    if named is None:
        return set(units)
    then = {unit for unit in units if named == _provinces(unit)[0]}
    return then or {unit for unit in units if named in _provinces(unit)}


def _province_at(rest: str) -> str | None:
    """Key of the province that a text begins with: `, tỉnh Kiên Giang`."""
    lead = _PROVINCE.match(rest)
    keys = (name_key(bare) for _, bare in _names(rest, lead.end() if lead else 0))
    return next((key for key in keys if key in _province_keys()), None)


@cache
def _districts() -> dict[tuple[str, str], list[Unit]]:
    """Districts by kind and name, but for cities that were also provinces: Huế may be either."""
    provinces = [unit for unit in gazetteer() if unit.level == "province"]
    cities = {name_key(unit.bare_name) for unit in provinces if unit.kind == "thành phố"}
    found: defaultdict[tuple[str, str], list[Unit]] = defaultdict(list)
    for unit in gazetteer():
        key = name_key(unit.bare_name)
        if unit.level == "district" and not (unit.kind == "thành phố" and key in cities):
            found[unit.kind, key].append(unit)
    return found


@cache
def _province_keys() -> frozenset[str]:
    return frozenset(name_key(u.bare_name) for u in gazetteer() if u.level == "province")


@cache
def _provinces(unit: Unit) -> tuple[str, ...]:
    """Keys of the province that a district lay in, and of the one that this went into."""
    units = gazetteer()
    old = units.province(unit)
    return tuple(name_key(one.bare_name) for one in (old, *(s.unit for s in units.successors(old))))
