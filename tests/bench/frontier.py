"""`python -m tests.bench.frontier`: a million queued addresses, and what they cost in memory.

Pages name them a hundred at a time, as a crawl does; then rows are claimed and finished.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from storage.database.connect import open_database
from storage.database.frontier import Frontier
from storage.database.queue import Finished
from storage.database.runs import SiteRow, save_site, start_run
from storage.records import Link

HOST = "http://portal.example"
SITE = SiteRow(
    "a", "a", "party", ["portal.example"], None, None, None, "generic", "open", None, None, "declared"
)  # fmt: skip


def main() -> None:
    addresses = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{Path(folder) / 'archive.db'}")
        with engine.begin() as tx:
            save_site(tx, SITE)
            run = start_run(tx, "a", "crawl", "full")
            frontier = Frontier("a", run.id, update_only=False)
            frontier.open(tx, [], resumed=False)
        began, before = time.monotonic(), _megabytes()
        for start in range(0, addresses, 1600):  # sixteen pages a transaction
            with engine.begin() as tx:
                links = [
                    Link(f"{HOST}/news/Pages/chi-tiet.aspx?CateID=13&ItemID={n}", "article")
                    for n in range(start, min(start + 1600, addresses))
                ]
                frontier.add(tx, links, None)
            frontier.committed()
        queued = time.monotonic() - began
        seconds = _claim_some(engine, frontier)
        print(
            f"{addresses:,} queued addresses: {_megabytes():.0f} MB at most, {before:.0f} of them "
            f"before; queued in {queued:.0f} s; a claim of 64 takes {seconds * 1000:.1f} ms"
        )


def _claim_some(engine: Engine, frontier: Frontier, rounds: int = 50) -> float:
    began = time.monotonic()
    for _ in range(rounds):
        with engine.begin() as tx:
            rows = frontier.claim(tx, lambda origin: 64, time.time())
            for row in rows:
                if row.role == "robots":
                    frontier.set_rules(tx, row, "")
            frontier.finish(tx, [Finished(row, "done") for row in rows])
        frontier.committed()
    return (time.monotonic() - began) / rounds


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
