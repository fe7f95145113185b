"""Articles as Parquet, a folder for each province and year: `province-hai-duong/year-2023/`.

The two stand in the files as columns too, null where they are unknown, so that a file taken out
of its folder is whole, and a reader that asks for one year skips the others by their statistics.
Hive's names (`year=2023`) were tried: pandas reads no table in which such a column is null
(docs/decisions/0702-what-a-proof-holds.md). The same articles give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage import times
from storage.export.fields import FIELDS, Kind, as_row
from storage.export.place import new_folder
from storage.query.folding import fold

_WAITING_ROWS = 4096
"""Rows in memory, of all open files together; the largest group is then written."""

_TEXT = pa.string()
_TYPES: dict[Kind, pa.DataType] = {
    "text": _TEXT,
    "texts": pa.list_(_TEXT),
    "number": pa.int64(),
    "day": pa.date32(),
    "moment": pa.timestamp("us", "UTC"),
    "images": pa.list_(
        pa.struct(
            {"sha256": _TEXT, "url": _TEXT, "mime": _TEXT, "width": pa.int32(),
             "height": pa.int32(), "caption": _TEXT}
        )
    ),
    "files": pa.list_(pa.struct({"url": _TEXT, "name": _TEXT, "mime": _TEXT, "sha256": _TEXT})),
    "units": pa.list_(
        pa.struct({"code": _TEXT, "name": _TEXT, "province": _TEXT, "split": pa.bool_()})
    ),
}  # fmt: skip
SCHEMA = pa.schema(
    pa.field(one.name, _TYPES[one.kind], metadata={"about": one.about}) for one in FIELDS
)


def write_parquet(out: Path, articles: Iterable[dict[str, Any]]) -> None:
    """Articles ordered by date, newest first, as a folder. Raises UsageError, OSError."""
    with new_folder(out) as folder, _Partitions(folder) as partitions:
        for article in articles:
            partitions.take(as_row(article))


class _Partitions:
    """The open files: those of one year, since articles come by date."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, _Part] = {}
        self._year: int | None = None
        self._waiting = 0

    def __enter__(self) -> _Partitions:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_all()

    def take(self, row: dict[str, Any]) -> None:
        if row["year"] != self._year:
            self._close_all()
            self._year = row["year"]
        place = _folder_of(row)
        if place not in self._open:
            self._open[place] = _Part(self._folder / place)
        self._open[place].rows.append(row)
        self._waiting += 1
        if self._waiting >= _WAITING_ROWS:
            largest = max(self._open.values(), key=lambda part: len(part.rows))
            self._waiting -= largest.write()

    def _close_all(self) -> None:
        for part in self._open.values():
            part.write()
            part.writer.close()
        self._open, self._waiting = {}, 0


class _Part:
    """A file in the making."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"part-{len(list(folder.iterdir()))}.parquet"
        self.rows: list[dict[str, Any]] = []
        self.writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def write(self) -> int:
        """Write the rows that wait as one row group; returns how many."""
        count = len(self.rows)
        if count:
            self.writer.write_table(_table(self.rows))
            self.rows = []
        return count


def _folder_of(row: dict[str, Any]) -> str:
    province = fold(row["province"] or "unknown").replace(" ", "-")
    return f"province-{province}/year-{row['year'] or 'unknown'}"


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    kinds = {one.name: one.kind for one in FIELDS}
    columns = [
        pa.array([_value(row[field.name], kinds[field.name]) for row in rows], field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _value(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "moment":
        return times.parse_utc(value)
    if kind == "day":
        return date.fromisoformat(value)
    return value
