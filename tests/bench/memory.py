"""Memory of a long crawl, and of a long queue: `python -m tests.bench.memory [pages|queued]`.

`pages`: crawls 20,000 articles from a server that makes them up and prints the crawl's resident
memory every 2,000. `queued`: puts a million addresses into a frontier and prints what that cost.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from storage.archive import Archive
from storage.database.frontier import Frontier
from storage.database.runs import SiteRow, save_site
from storage.records import FrontierRow, Link
from tests.bench.crawl import _SITE
from tests.bench.measured import resident_mb
from tests.bench.site import PER_LIST, _article, _list

EVERY = 2000
A_PAGE = 100
"""Addresses that a page names, in the queue's measurement."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = 20_000
    served = 0

    def do_GET(self) -> None:
        body = self._body()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        parts = [part for part in self.path.split("/") if part]
        if "Tin-tuc" in parts:
            _Handler.served += 1
            number = int(parts[-1].removeprefix("bai-viet-so-").removesuffix(".html"))
            return _article(random.Random(number), number, self.pages).encode()
        if parts[:2] == ["vi", "news"]:
            page = int(parts[2].removeprefix("page-")) if len(parts) > 2 else 1
            return _list(page, -(-self.pages // PER_LIST), self.pages).encode()
        return b""

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextmanager
def _served(pages: int) -> Iterator[str]:
    _Handler.pages = pages
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def crawl_pages(pages: int) -> None:
    """Crawl so many articles; images are named and are not there (404)."""
    with tempfile.TemporaryDirectory(prefix="tinhuyen-bench-") as name, _served(pages) as url:
        archive = Path(name) / "archive"
        (archive / "sites").mkdir(parents=True)
        (archive / "sites" / "bench.toml").write_text(_SITE.format(url=url))
        environment = os.environ | {
            "TINHUYEN_ARCHIVE": str(archive),
            "SCRAPY_SETTINGS_MODULE": "crawler.settings",
        }
        command = [sys.executable, "-m", "scrapy", "crawl", "bench", "-s", "LOG_LEVEL=ERROR"]
        crawl, mark = subprocess.Popen(command, env=environment), EVERY
        while crawl.poll() is None:
            time.sleep(0.2)
            if _Handler.served >= mark:
                print(f"{mark:>6} articles: {resident_mb(crawl.pid):6.0f} MB", flush=True)
                mark += EVERY
        [run] = Archive(archive).runs()
        print(f"kept: {run['counts']['articles']} articles, exit {crawl.returncode}")


def queue_addresses(count: int) -> None:
    """Queue so many addresses, as pages name them."""
    with tempfile.TemporaryDirectory(prefix="tinhuyen-bench-") as name:
        engine = Archive(Path(name)).open_for_writing()
        site = SiteRow("bench", "Bench", "other", [], None, None, None, None, "open", None, None, "declared")  # fmt: skip
        with engine.begin() as tx:
            save_site(tx, site)
        before, start = resident_mb(os.getpid()), time.monotonic()
        frontier = Frontier("bench", "run", update_only=False)
        parent = FrontierRow(0, "http://a.vn/", "http://a.vn", "list", 1, "L", None, 0)
        for first in range(0, count, A_PAGE):
            links = tuple(
                Link(f"http://a.vn/tin-tuc/mot-bai-viet-co-ten-kha-dai-{n}.html", "article")
                for n in range(first, first + A_PAGE)
            )
            with engine.begin() as tx:
                frontier.add(tx, links, parent)
            frontier.committed()
        with engine.begin() as tx:
            queued = frontier.count_queued(tx)
        seconds = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = (Path(name) / "archive.db").stat().st_size / 1e6
        print(f"{queued} queued in {seconds:.0f} s: {peak - before:.0f} MB more memory "
              f"(peak {peak:.0f} MB), database {size:.0f} MB")  # fmt: skip
        with engine.begin() as tx:
            Frontier("bench", "run", update_only=False).open(tx, [], resumed=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"opened again: peak {peak:.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["pages", "queued"])
    parser.add_argument("--count", type=int)
    arguments = parser.parse_args()
    if arguments.what == "pages":
        crawl_pages(arguments.count or 20_000)
    else:
        queue_addresses(arguments.count or 1_000_000)


if __name__ == "__main__":
    main()
