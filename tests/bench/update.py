"""`python -m tests.bench.update`: what an update costs beside the first crawl, and what it finds.

A portal of 2,000 articles is crawled, then updated unchanged, then updated after 5 articles were
added, 3 changed and 2 taken down. Twice: with a server that answers conditional requests, and with
one whose bytes differ on every fetch. Last with a sitemap, where old articles change and vanish.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tests.changing_portal import ChangingPortal
from tests.conftest import TestArchive


def measure(articles: int, *, marks: bool) -> None:
    """Print one portal's figures."""
    with tempfile.TemporaryDirectory() as folder, ChangingPortal(articles, marks=marks) as portal:
        archive = TestArchive(Path(folder) / "archive")
        archive.declare(portal.table)
        print("conditional requests answered:" if marks else "bytes differ on every fetch:")
        first = _crawl(archive, portal, "full")
        again = _crawl(archive, portal, "update", first)
        portal.numbers += range(articles, articles + 5)
        portal.edits |= dict.fromkeys((articles - 1, articles - 5, articles - 9), 1)
        portal.gone |= {articles - 2: "404", articles - 3: "home"}
        _crawl(archive, portal, "update", first)
        assert again["versions"] == 0


def measure_old(articles: int) -> None:
    """Print what of 5 old articles that changed and 5 that vanished is found, with a sitemap."""
    portal = ChangingPortal(articles, marks=False, sitemap=True)
    with tempfile.TemporaryDirectory() as folder, portal:
        archive = TestArchive(Path(folder) / "archive")
        archive.declare(portal.table)
        print("bytes differ on every fetch, a sitemap; 5 old articles changed, 5 vanished:")
        first = _crawl(archive, portal, "full")
        portal.edit(*range(0, articles, articles // 5))
        portal.gone |= {articles - 50 - n * 21: "404" for n in range(5)}
        _crawl(archive, portal, "update", first)


def _crawl(
    archive: TestArchive, portal: ChangingPortal, mode: str, first: dict[str, int] | None = None
) -> dict[str, int]:
    asked, bytes_ = len(portal.asked), _warc_bytes(archive)
    done = archive.scrapy("crawl", "song", "-s", f"CRAWL_MODE={mode}", timeout=600)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    opened = archive.open()
    counts: dict[str, Any] = opened.runs("song")[0]["counts"]
    opened.close()
    found = {
        "requests": len(portal.asked) - asked,
        "bytes": _warc_bytes(archive) - bytes_,
        "versions": counts["new_versions"],
        "gone": counts["gone"],
    }
    shares = [f"{found[name] / first[name]:.2%}" for name in ("requests", "bytes")] if first else []
    print(f"  {mode:<7} {found}  {' of requests, '.join(shares)}{' of bytes' if shares else ''}")
    return found


def _warc_bytes(archive: TestArchive) -> int:
    """Of whole files: requests and metadata too."""
    return sum(path.stat().st_size for path in archive.warc_files())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, default=2000)
    articles = parser.parse_args().articles
    for marks in (True, False):
        measure(articles, marks=marks)
    measure_old(articles)


if __name__ == "__main__":
    main()
