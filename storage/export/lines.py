"""Articles as JSON lines and as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from storage.csv_cells import safe_cell
from storage.export.fields import FIELDS, as_row
from storage.export.place import new_file


def write_jsonl(out: Path, articles: Iterable[dict[str, Any]]) -> None:
    """One article (DESIGN §7) a line, UTF-8. Raises UsageError (`out` is there), OSError."""
    with new_file(out) as path, path.open("w", encoding="utf-8") as file:
        for article in articles:
            file.write(json.dumps(article, ensure_ascii=False) + "\n")


def write_csv(out: Path, articles: Iterable[dict[str, Any]]) -> None:
    """RFC 4180, UTF-8 with a mark at its begin (Excel takes it for another encoding otherwise).

    No cell is a formula to a spreadsheet (storage.csv_cells).
    Raises as `write_jsonl`.
    """
    names = [field.name for field in FIELDS]
    with new_file(out) as path, path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        for article in articles:
            row = as_row(article)
            table.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else None
    return safe_cell(value)
