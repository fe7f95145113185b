"""From what people type to units: `huyện Bình Giang`, `xã Đường An, Hải Phòng`, `296`."""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches

from storage.errors import NotFound, UsageError
from storage.places.gazetteer import KINDS, NEW_DAY, Gazetteer, Level, Unit, gazetteer, name_key
from storage.query.folding import fold, tone_key

_ABBREVIATIONS = {"tp": "thành phố", "tx": "thị xã", "tt": "thị trấn", "p": "phường", "q": "quận"}
_KIND_KEYS = {tone_key(kind): kind for kind in KINDS} | _ABBREVIATIONS
_NEAR = 5
_LISTED = 12


def find_units(asked: str) -> list[Unit]:
    """Every unit of this name or code, of any day; districts first, then by code.

    A name may have its kind before it, and behind commas what it lies in (district or province).
    Raises NotFound with names that come near.
    """
    units = gazetteer()
    name, *parents = (part.strip() for part in asked.split(","))
    if name.isascii() and name.isdigit():
        found = units.with_code(name)
    else:
        kind, bare = _split(name)
        found = [unit for unit in units.by_key.get(name_key(bare), []) if kind in (None, unit.kind)]
    found = [unit for unit in found if all(_lies_in(units, unit, parent) for parent in parents)]
    if not found:
        raise NotFound(_not_found(units, asked, name))
    order = {"district": 0, "commune": 1, "province": 2}
    return sorted(found, key=lambda unit: (order[unit.level], unit.code, unit.as_of))


def _split(name: str) -> tuple[str | None, str]:
    """Kind (None: any) and bare name, as typed."""
    key = tone_key(name)
    for start in sorted(_KIND_KEYS, key=len, reverse=True):
        if key.startswith(start + " "):
            return _KIND_KEYS[start], key[len(start) + 1 :]
    return None, name


def _lies_in(units: Gazetteer, unit: Unit, asked: str) -> bool:
    """Whether a unit lay in what is asked for, or in a province that is now a part of it."""
    kind, bare = _split(asked)
    district, province = units.parent(unit), units.province(unit)
    around = [district, province, *(one.unit for one in units.successors(province))]
    return any(
        one is not None
        and one is not unit
        and name_key(one.bare_name) == name_key(bare)
        and kind in (None, one.kind)
        for one in around
    )


def _not_found(units: Gazetteer, asked: str, name: str) -> str:
    message = f"the gazetteer has no unit {asked!r} (names need their marks)"
    near = _near(units, fold(name))
    if not near:
        return f"{message}; write it like 'huyện Bình Giang' or by its code, 296"
    return f"{message}; near it: " + "; ".join(map(label, near[:_LISTED]))


def _near(units: Gazetteer, plain: str) -> list[Unit]:
    """Units of this name without marks; else those whose names look most like it."""
    found: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        found[fold(unit.name)].append(unit)
        found[fold(unit.bare_name)].append(unit)
    names = [plain] if plain in found else get_close_matches(plain, found, _NEAR)
    return [unit for name in names for unit in found[name]]


def label(unit: Unit) -> str:
    """`huyện Bình Giang, Hải Dương (296)`: a name that says which one is meant."""
    units = gazetteer()
    province = units.province(unit)
    within = "" if province is unit else f", {province.bare_name}"
    return f"{unit.name}{within} ({unit.code})"


def districts_of(asked: str) -> list[Unit]:
    """The districts whose articles are about the unit asked for.

    A district itself; the one that a commune lay in; for a commune of 1 July 2025 every district
    of which a part went into it; for a province all that lay in it, or in those it was made of.
    Raises NotFound, UsageError (several different units have this name).
    """
    units = gazetteer()
    sets = {unit: _districts(units, unit) for unit in find_units(asked)}
    largest = max(sets.values(), key=len)
    if not asked.strip().isdigit() and any(not one <= largest for one in sets.values()):
        several = "; ".join(label(unit) for unit in list(sets)[:_LISTED])
        raise UsageError(f"{asked!r} may be several units: name its province or code. {several}")
    return sorted(frozenset().union(*sets.values()), key=lambda unit: (unit.code, unit.as_of))


def districts_named(asked: str) -> list[Unit]:
    """The district of this name or code, as it stood on every day that is known.

    Raises NotFound, UsageError (it is no district, or several have this name).
    """
    found = _of_level(asked, "district")
    if len({unit.code for unit in found}) > 1:
        several = "; ".join(dict.fromkeys(map(label, found[:_LISTED])))
        raise UsageError(f"{asked!r} may be several districts: name its province. {several}")
    return found


def provinces_named(asked: str) -> set[str]:
    """Names of provinces; that of a province of today stands for all that it was made of.

    Raises NotFound, UsageError (it is no province).
    """
    found = _of_level(asked, "province")
    parts = [old for unit in found for old in _parts(gazetteer(), unit) if old.level == "province"]
    return {unit.bare_name for unit in (*found, *parts)}


def _of_level(asked: str, level: Level) -> list[Unit]:
    found = [unit for unit in find_units(asked) if unit.level == level]
    if not found:
        raise UsageError(f"{asked!r} is no {level}; --unit takes units of every level")
    return found


def _districts(units: Gazetteer, unit: Unit) -> frozenset[Unit]:
    if unit.level == "district":
        return frozenset({unit})
    if unit.level == "province":
        codes = {unit.code} if unit.as_of != NEW_DAY else {old.code for old in _parts(units, unit)}
        return frozenset(one for one in units if one.level == "district" and one.parent in codes)
    if unit.as_of == NEW_DAY:
        return frozenset(old for old in _parts(units, unit) if old.level == "district")
    parent = units.parent(unit)
    return frozenset({parent} if parent else ())


def _parts(units: Gazetteer, unit: Unit) -> list[Unit]:
    return [old for old, one in units.predecessors(unit) if not one.doubtful]
