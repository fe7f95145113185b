"""The gazetteer's rows in the database, for researchers' SQL. Loaded anew with every upgrade.

So a changed data file comes with a migration, be it an empty one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert

from storage.database.prepared import Prepared, columns
from storage.database.unit_tables import unit, unit_successor
from storage.places.gazetteer import Unit, gazetteer

_INSERT_UNIT = Prepared(insert(unit).values(columns(unit)))
_INSERT_SUCCESSOR = Prepared(insert(unit_successor).values(columns(unit_successor)))


def load_units(tx: Connection) -> None:
    """Make both tables what the package's gazetteer is."""
    units = gazetteer()
    for table in (unit_successor, unit):
        tx.execute(delete(table))
    _INSERT_UNIT.insert(tx, [_row(one) for one in units])
    _INSERT_SUCCESSOR.insert(tx, [row for one in units for row in _successors(one)])


def _row(one: Unit) -> dict[str, Any]:
    columns = ("code", "as_of", "level", "kind", "name", "parent", "valid_from", "valid_to")
    return {name: getattr(one, name) for name in columns}


def _successors(one: Unit) -> list[dict[str, Any]]:
    return [
        {
            "code": one.code,
            "as_of": one.as_of,
            "successor": into.unit.code,
            "successor_as_of": into.unit.as_of,
            "split": int(into.split),
            "doubtful": int(into.doubtful),
            "source": into.source,
        }
        for into in gazetteer().successors(one)
    ]
