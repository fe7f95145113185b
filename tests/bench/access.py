"""What the access conditions cost: the newest articles of a million with 500 takedowns.

    python -m tests.bench.access [ARTICLES]

The same query with the conditions and without them, newest first and over everything.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, text

from storage.archive import Archive
from storage.query.access import Access, Audience
from tests.bench import access_rows

_NEWEST = (
    "SELECT a.key FROM reading r CROSS JOIN version v CROSS JOIN article a"
    " WHERE v.reading = r.id AND a.key = v.article AND {} ORDER BY r.published_at DESC LIMIT 50"
)
_COUNT = "SELECT count(*) FROM article a WHERE {}"
_CAPTURE = "SELECT count(*) FROM capture c WHERE c.urlkey = 'vn,bench)/100002' AND {}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        engine = archive.open_for_writing()
        with engine.begin() as tx:
            access_rows.fill(tx, count)
        with engine.connect() as tx:
            for takedowns in (0, 500):
                access_rows.take_down(tx, takedowns, count)
                _measure(tx, takedowns)
        engine.dispose()


def _measure(tx: Connection, takedowns: int) -> None:
    access = Access(Audience.PUBLIC, "sqlite")
    for name, query, condition, times in (
        ("newest first", _NEWEST, access.article("a"), 200),
        ("count of all", _COUNT, access.article("a"), 3),
        ("one address", _CAPTURE, access.capture("c"), 200),
    ):
        plain = _times(tx, query.format("1 = 1"), times)
        asked = _times(tx, query.format(condition), times)
        print(
            f"{takedowns:>4} takedowns, {name:<12}: median {asked[0]:8.2f} ms, p95 {asked[1]:8.2f} ms;"
            f" without conditions {plain[0]:8.2f} ms"
        )


def _times(tx: Connection, query: str, times: int) -> tuple[float, float]:
    """Median and p95, milliseconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        tx.execute(text(query)).all()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took), sorted(took)[int(0.95 * (len(took) - 1))]


if __name__ == "__main__":
    main()
