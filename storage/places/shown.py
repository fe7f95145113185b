"""Units as they are shown: in an article's `place` (DESIGN §7) and by `tinhuyen units show`."""

from __future__ import annotations

from typing import Any

from storage.places.gazetteer import Successor, Unit, gazetteer


def place(district: str, day: str, evidence: str | None) -> dict[str, Any]:
    """An article's `place`: its district by code and day, and what became of it.

    `evidence` is `site`, or where the article names it. Of a code that the gazetteer does not
    have only the code is known.
    """
    units = gazetteer()
    unit = units.on(district, day)
    return {
        "district_code": district,
        "district": unit and unit.name,
        "province": unit and units.province(unit).bare_name,
        "as_of": day,
        "evidence": evidence,
        "successors": [
            _named(one.unit) | {"split": one.split}
            for one in (units.successors(unit) if unit else [])
            if not one.doubtful
        ],
    }


def as_shown(shown: Unit) -> dict[str, Any]:
    """A unit with what it lay in, what it went into, and what went into it."""
    units = gazetteer()
    parent = units.parent(shown)
    return _named(shown) | {
        "level": shown.level,
        "as_of": shown.as_of,
        "valid_from": shown.valid_from,
        "valid_to": shown.valid_to,
        "parent": _named(parent) if parent else None,
        "successors": [_successor(shown, one) for one in units.successors(shown)],
        "made_of": [
            _named(old) | {"level": old.level} | _marks(one)
            for old, one in units.predecessors(shown)
        ],
    }


def _successor(shown: Unit, one: Successor) -> dict[str, Any]:
    others = [
        _named(old)
        for old, also in gazetteer().predecessors(one.unit)
        if old.level == shown.level and old.code != shown.code and not also.doubtful
    ]
    return _named(one.unit) | _marks(one) | {"shared_with": others}


def _marks(one: Successor) -> dict[str, Any]:
    return {"split": one.split, "doubtful": one.doubtful, "source": one.source}


def _named(unit: Unit) -> dict[str, Any]:
    return {
        "code": unit.code,
        "name": unit.name,
        "province": gazetteer().province(unit).bare_name,
    }
