"""`make simulate`, or by hand: see tests/simulate/__init__.py."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from storage.output import print_table
from tests.many_portals import draw_portals
from tests.postgres import server
from tests.simulate.result import COLUMNS, Result, row
from tests.simulate.run import Bounds, simulate


def main() -> int:
    """Simulate and print; 1 if something was impolite or left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate")
    parser.add_argument("--portals", type=int, default=700)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--minutes", type=float, default=30, help="for each number of workers")
    parser.add_argument("--articles", type=float, default=5, help="of the median portal")
    parser.add_argument("--delay", type=float, default=0.25, help="seconds, real portals: 1")
    parser.add_argument("--at-once", type=int, default=8, help="crawls that a worker makes")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="add the figures there, an object a line")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # whatever was started ends with us
        signal.signal(number, lambda *_: sys.exit("stopped"))
    portals = draw_portals(given.portals, given.seed, articles=given.articles)
    results = []
    for workers in given.workers:
        bounds = Bounds(given.delay, given.at_once, given.minutes * 60)
        with (
            tempfile.TemporaryDirectory(prefix="tinhuyen-simulate-") as folder,
            server(durable=True) as postgres,
        ):
            results.append(simulate(Path(folder), postgres, portals, workers, bounds))
        _say(results[-1])
        if given.json:
            with given.json.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(results[-1].as_json(), ensure_ascii=False) + "\n")
    print_table(COLUMNS, map(row, results))
    return 0 if all(result.is_well for result in results) else 1


def _say(result: Result) -> None:
    print(f"{result.workers} worker(s): {dict(result.outcomes)}", flush=True)
    for wrong in (result.too_soon, result.at_once, result.never_served, result.kept_twice):
        for what in wrong[:5]:
            print(f"  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
