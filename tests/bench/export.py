"""Exports of many articles: speed, and memory as it grows: `python -m tests.bench.export [N]`.

Speed is told beside that of reading the same articles one JSON line after another in Python, so
that it means the same on any machine. Memory must not grow with the number of articles but by the
eight bytes that each key takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from storage.archive import Archive
from storage.database.search_index import index_readings
from tests.bench.many_articles import fill

_CHILD = """
import json, re, sys, time
from pathlib import Path
from storage.archive import Archive
from storage.export.cli import _writer
from storage.export.found import find_all
from storage.query.query import Query
with find_all(Archive(sys.argv[1]), Query()) as found:
    start = time.process_time()
    _writer(sys.argv[2])(Path(sys.argv[3]), found.articles())
spent = time.process_time() - start
# Not getrusage: what it says of a child begins with its parent's peak.
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(json.dumps([spent, int(peak[1]) / 1024]))
"""


def main() -> None:
    """Fill two databases, the second four times the first, and export both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=int, nargs="?", default=40_000)
    most = parser.parse_args().articles
    with tempfile.TemporaryDirectory() as folder:
        for count in (most // 4, most):
            measure(Path(folder) / str(count), count)


def measure(folder: Path, count: int) -> None:
    engine = Archive(folder).open_for_writing()
    fill(engine, count)
    with engine.begin() as tx:
        for start in range(1, count + 1, 1000):
            keys = range(start, min(start + 1000, count + 1))
            index_readings(tx, dict(zip(keys, keys, strict=True)), keys)
    engine.dispose()
    for form in ("jsonl", "csv", "parquet"):
        out = folder / f"out.{form}"
        command = [sys.executable, "-c", _CHILD, str(folder), form, str(out)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, peak = json.loads(done.stdout)
        print(
            f"{count:9,} {form:8} {count / seconds:8,.0f} articles/s (CPU)  {peak:6,.0f} MB", end=""
        )
        print(f"  {_seconds_of_reading(folder / 'out.jsonl') / seconds:.3f} of reading JSON lines")


def _seconds_of_reading(path: Path) -> float:
    start = time.process_time()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            json.loads(line)
    return time.process_time() - start


if __name__ == "__main__":
    main()
