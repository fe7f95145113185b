"""How fast stored pages are read again: `python -m tests.bench.reextract --pages 2000`.

The site of `make bench` is crawled once. Measured are reading all of it again and comparing, in one
process and in several; and, of the same pages, reading alone (bytes to article, nothing stored).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from crawler.normalise import normalise
from crawler.read import read_page
from crawler.reextract import run as reextract_run
from crawler.reextract.batches import Asked
from crawler.reextract.run import compare
from crawler.sites import find_site, load_sites
from storage.archive import Archive
from storage.database.schema import capture
from storage.query.access import Audience
from storage.records import Record
from tests.bench.crawl import _ours, _served
from tests.bench.site import PAGES, write_site


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=PAGES)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tinhuyen-bench-"))
    folder.chmod(0o755)  # nginx may serve as another user
    try:
        write_site(folder / "site", arguments.pages)
        with _served(folder) as url:
            print(_ours(url, arguments.pages, folder, None).line())
        _measure_all(Archive(folder / "archive"))
    finally:
        shutil.rmtree(folder)


def _measure_all(archive: Archive) -> None:
    alone = _measure("reading alone, one process", lambda: _read(archive))
    for name, most in (("read again, one process", 10**9), ("read again, several processes", 0)):
        reextract_run.ALONE = most
        again = _measure(name, lambda: _read_again(archive))
        print(f"  {again / alone:.2f} of reading alone")


def _measure(name: str, work: Callable[[], int]) -> float:
    start = time.monotonic()
    speed = work() / (time.monotonic() - start)
    print(f"{name:<42} {speed:8.1f} pages/s")
    return speed


def _read_again(archive: Archive) -> int:
    [tally] = compare(archive, Asked(), lambda *_: None)
    assert not tally.changed and not tally.unreadable, tally
    return tally.read


def _read(archive: Archive) -> int:
    site = find_site(load_sites(archive.folder.sites), "bench")
    columns = (capture.c.warc_file, capture.c.warc_offset, capture.c.warc_length)
    pages = capture.c.mime == "text/html", capture.c.status == 200
    with archive.reading(Audience.STAFF) as tx:
        rows = tx.execute(select(*columns, capture.c.record_id).where(*pages)).all()
    for row in rows:
        found = read_page(archive.capture(Record(*row), Audience.STAFF), site)
        if found.kind == "article":
            normalise(found)
    return len(rows)


if __name__ == "__main__":
    main()
