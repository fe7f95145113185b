"""Administrative units, their names and codes on three days, and what went into what.

Vietnam's statistical office (GSO) gives codes of two digits to provinces, three to districts and
five to communes, and uses them again: a code means something only together with a day. Names are
compared on the tone key, never without marks: Cẩm Giang and Cẩm Giàng are two communes.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from storage.query.folding import tone_key

DATA = Path(__file__).parent / "data"
DISTRICTS_2023 = "2023-06-30"
"""A day on which older districts stood; of that day only those are kept that changed later."""
LAST_DAY = "2025-06-30"
"""The last day of 63 provinces, 696 districts and 10,035 communes."""
NEW_DAY = "2025-07-01"
"""The first day of 34 provinces and 3,321 communes, without districts."""

UNIT_COLUMNS = ("code", "as_of", "kind", "name", "parent", "valid_from", "valid_to")
SUCCESSOR_COLUMNS = ("code", "as_of", "successor", "split", "doubtful", "source")

KINDS = (
    "thành phố", "thị xã", "thị trấn", "đặc khu", "tỉnh", "quận", "huyện", "phường", "xã",
)  # fmt: skip
Level = Literal["province", "district", "commune"]
_LEVELS: dict[int, Level] = {2: "province", 3: "district", 5: "commune"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A province, district or commune as it stood on one day."""

    code: str
    as_of: str
    """A day on which it had this code, name, kind and parent: one of the three above."""
    kind: str
    """Lower case: `huyện`, `thị xã`."""
    bare_name: str
    """Without its kind: `Bình Giang`."""
    parent: str | None
    """Code of the district or province that it lay in; None for a province."""
    valid_from: str | None
    """First day; None if the sources do not say."""
    valid_to: str | None
    """Last day; None if it still is, or if the sources do not say."""

    @property
    def name(self) -> str:
        """`huyện Bình Giang`, as one writes it within a sentence."""
        return f"{self.kind} {self.bare_name}"

    @property
    def level(self) -> Level:
        """Which of the three levels; the length of the code tells."""
        return _LEVELS[len(self.code)]


@dataclass(frozen=True, slots=True)
class Successor:
    """A unit of 1 July 2025 that took in another, or a part of it."""

    unit: Unit
    split: bool
    """Only a part of a commune went there, the rest elsewhere."""
    doubtful: bool
    """The source seems to have mistaken a namesake for it; shown, never followed."""
    source: str


class Gazetteer:
    """Every unit, by code and day and by name. `gazetteer()` gives the package's."""

    def __init__(self, units: list[Unit], successors: list[tuple[str, ...]]) -> None:
        self._by_code: defaultdict[str, list[Unit]] = defaultdict(list)
        for unit in sorted(units, key=lambda unit: unit.as_of):
            self._by_code[unit.code].append(unit)
        self._successors = successors

    def __iter__(self) -> Iterator[Unit]:
        """Units of every day, by code and then by day."""
        return (unit for code in sorted(self._by_code) for unit in self._by_code[code])

    def with_code(self, code: str) -> list[Unit]:
        """Every unit that ever had this code, the oldest first."""
        return list(self._by_code.get(code, ()))

    def on(self, code: str, day: str) -> Unit | None:
        """The unit that had this code on a day, as far as the three days tell; None if none had."""
        units = self._by_code.get(code, [])
        return next((unit for unit in units if unit.as_of >= day), units[-1] if units else None)

    def span(self, unit: Unit) -> tuple[str, str]:
        """The days for which `on` gives this unit: after the first ('': always), up to the last."""
        units = self._by_code[unit.code]
        place = units.index(unit)
        last = unit.as_of if unit is not units[-1] else "9999-12-31"
        return units[place - 1].as_of if place else "", last

    def parent(self, unit: Unit) -> Unit | None:
        """The district or province that a unit lay in; None for a province."""
        return self.on(unit.parent, unit.as_of) if unit.parent else None

    def province(self, unit: Unit) -> Unit:
        """The province that a unit lay in; a province is its own."""
        parent = self.parent(unit)
        return unit if parent is None else self.province(parent)

    def successors(self, unit: Unit) -> list[Successor]:
        """What of 1 July 2025 a unit went into, by code; empty for a unit of that day."""
        return self._onward.get((unit.code, unit.as_of), [])

    def predecessors(self, unit: Unit) -> list[tuple[Unit, Successor]]:
        """What went into a unit of 1 July 2025, districts and communes alike."""
        return self._backward.get(unit.code, []) if unit.as_of == NEW_DAY else []

    @cached_property
    def _onward(self) -> dict[tuple[str, str], list[Successor]]:
        found: defaultdict[tuple[str, str], list[Successor]] = defaultdict(list)
        for code, as_of, new, split, doubtful, source in self._successors:
            unit = self._by_code[new][-1]
            found[code, as_of].append(Successor(unit, split == "1", doubtful == "1", source))
        return found

    @cached_property
    def _backward(self) -> dict[str, list[tuple[Unit, Successor]]]:
        found: defaultdict[str, list[tuple[Unit, Successor]]] = defaultdict(list)
        for (code, as_of), ones in self._onward.items():
            old = next(unit for unit in self._by_code[code] if unit.as_of == as_of)
            for one in ones:
                found[one.unit.code].append((old, one))
        return found

    @cached_property
    def by_key(self) -> dict[str, list[Unit]]:
        """Units by `name_key` of their name without its kind."""
        found: defaultdict[str, list[Unit]] = defaultdict(list)
        for unit in self:
            found[name_key(unit.bare_name)].append(unit)
        return found


@cache
def gazetteer() -> Gazetteer:
    """The gazetteer of this package, read once."""
    units = [
        Unit(code, as_of, kind, name, parent or None, valid_from or None, valid_to or None)
        for code, as_of, kind, name, parent, valid_from, valid_to in _rows("units", UNIT_COLUMNS)
    ]
    return Gazetteer(units, _rows("successors", SUCCESSOR_COLUMNS))


def _rows(name: str, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    text = gzip.decompress((DATA / f"{name}.tsv.gz").read_bytes()).decode()
    header, *rows = (tuple(line.split("\t")) for line in text.splitlines())
    if header != columns:
        raise ValueError(f"{name}.tsv.gz has the columns {header}, not {columns}")
    return rows


def name_key(name: str) -> str:
    """What names are compared on: the tone key, with the spellings of Đắk as one."""
    words = tone_key(name).split()
    return " ".join("đăk1" if word in _DAK else word for word in words)


_DAK = frozenset(map(tone_key, ("Đắk", "Đăk", "Đak", "Đắc", "Dak")))


def split_kind(name: str) -> tuple[str, str]:
    """Kind (lower case) and bare name: `Thị Xã Việt Yên` gives `thị xã`, `Việt Yên`.

    Raises ValueError if the name begins with no kind.
    """
    for kind in KINDS:
        if name.casefold().startswith(kind + " "):
            return kind, name[len(kind) :].strip()
    raise ValueError(f"{name!r} begins with no kind of unit")
