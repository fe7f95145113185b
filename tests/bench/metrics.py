"""`python -m tests.bench.metrics`: what it costs to ask for metrics, beside counting all of it.

Rows of 696 sites are written straight into a database; only their number matters here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import generate_latest
from sqlalchemy import Engine, insert

from storage.archive import Archive
from storage.database.schema import article, capture, run, site
from storage.watch.health import check_health
from storage.watch.metrics import registry_of

SITES = 696
_AT = "2024-03-01T03:00:00.000000Z"


def fill(engine: Engine, captures: int) -> None:
    """Sites of one full crawl each, an article for every second capture."""
    each = captures // SITES
    counts = {
        "new_versions": each // 2,
        "captures": each,
        "warc_bytes": each * 4000,
        "by_status": {"200": each},
        "failed": {"http_500": 3},
    }
    for number in range(SITES):
        id_ = f"s{number}"
        ended = {"id": f"{id_}-r", "site": id_, "kind": "crawl", "mode": "full", "started_at": _AT}
        with engine.begin() as tx:
            tx.execute(
                insert(site).values(
                    id=id_, name=id_, organ="other", hosts=[], state="open", origin="declared"
                )
            )
            tx.execute(
                insert(run).values(finished_at=_AT, outcome="finished", counts=counts, **ended)
            )
            tx.execute(insert(capture), [_capture(id_, n) for n in range(each)])
            tx.execute(insert(article), [_article(id_, n) for n in range(each // 2)])


def _capture(id_: str, number: int) -> dict[str, object]:
    url = f"http://{id_}.gov.vn/vi/news/tin-tuc/bai-viet-so-{number}.html"
    return {
        "run": f"{id_}-r", "site": id_, "url": url, "urlkey": url, "fetched_at": _AT, "status": 200,
        "mime": "text/html", "payload_digest": f"sha1:{id_}{number}", "block_digest": "sha1:B",
        "warc_file": f"warc/{id_}/a.warc.gz", "warc_offset": number * 4000, "warc_length": 4000,
        "record_id": f"<urn:uuid:{id_}-{number}>", "record_type": "response", "provenance": "own",
        "reading": "done",
    }  # fmt: skip


def _article(id_: str, number: int) -> dict[str, object]:
    return {
        "id": f"{id_}-{number}", "site": id_, "url": f"http://{id_}.gov.vn/{number}",
        "first_seen": _AT, "last_seen": _AT, "state": "live",
    }  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    best = 1e9
    for _ in range(3):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--captures", type=int, default=1_000_000)
    captures = parser.parse_args().captures
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        engine = archive.open_for_writing()
        fill(engine, captures)
        engine.dispose()
        registry = registry_of(archive)
        print(f"{captures:,} captures of {SITES} sites")
        print(f"  metrics  {_seconds(lambda: generate_latest(registry)):7.3f} s")
        print(f"  status   {_seconds(archive.status):7.3f} s")
        print(f"  health   {_seconds(lambda: check_health(archive)):7.3f} s")
        archive.close()


if __name__ == "__main__":
    main()
