"""How fast files are imported, read and indexed: `python -m tests.bench.imports [FOLDER] [COUNT…]`.

Articles of 37 kB (of FOLDER, which is SHARED_DATA, or the tests' own pages filled up) in a gzipped
WARC, each with words of its own; for every COUNT (2,000 and 8,000 if none is given) the whole
import is timed: copy, read, save, search index and CDXJ. Beside it warcio with trafilatura and its
metadata over the same file, where that is installed. Memory is the peak of this process.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from crawler.acquire.run import import_files
from crawler.acquire.sources import Source
from storage.archive import Archive
from tests.damage.writer import member
from tests.donated import SITE, answer, page

_PAGE_BYTES = 37_000
_MARK = b"</body>"
_THEIRS = 200  # records are enough for a rate


def bodies(folder: Path | None, count: int) -> Iterator[bytes]:
    """Pages of about 37 kB, no two of the same text."""
    real = [page(1)]
    if folder is not None:
        saved = sorted((folder / "nukeviet" / "articles").glob("*-0.html"))
        real = [data for path in saved if (data := path.read_bytes())]
    for number in range(count):
        body = real[number % len(real)]
        filler = b"<!-- " + b"x" * max(0, _PAGE_BYTES - len(body)) + b" -->"
        said = f"<p>Bài số {number} của huyện.</p>".encode()
        body = body.replace(b"<h1", said + b"<h1", 1).replace(_MARK, filler + _MARK, 1)
        yield body.replace(b"<title>", f"<title>{number} ".encode(), 1)


def write(path: Path, folder: Path | None, count: int) -> None:
    with path.open("wb") as file:
        for number, body in enumerate(bodies(folder, count)):
            file.write(member(answer(number, body).data()))


def bench(folder: Path | None, count: int) -> float:
    """Articles a second."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        write(root / "a.warc.gz", folder, count)
        sites = root / "archive" / "sites"
        sites.mkdir(parents=True)
        family = "plain" if folder is None else "nukeviet"
        (sites / "tin.toml").write_text("[[site]]\n" + SITE.replace("plain", family), "utf-8")
        archive = Archive(root / "archive")
        began, spent = time.monotonic(), sum(os.times()[:4])
        done = import_files(
            archive, [Source(root / "a.warc.gz", "a.warc.gz", True)], donor="a", terms="b"
        )
        seconds, cpu = time.monotonic() - began, sum(os.times()[:4]) - spent
        rate: float = done.counts["articles"] / seconds
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = (root / "a.warc.gz").stat().st_size / 1e6
        print(
            f"{count:>8,} records ({size:,.0f} MB): {done.counts['articles']:,} articles in "
            f"{seconds:.1f} s, {rate:,.0f} articles/s; {1000 * cpu / count:.2f} ms of CPU a record; "
            f"peak {peak:,.0f} MB"
        )
        theirs(root / "a.warc.gz", rate)
        return rate


def theirs(path: Path, ours: float) -> None:
    try:
        import trafilatura
    except ImportError as error:
        print(f"  trafilatura is not measured: {error}")
        return
    from warcio.archiveiterator import ArchiveIterator

    began, count = time.monotonic(), 0
    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            trafilatura.bare_extraction(record.content_stream().read(), with_metadata=True)
            count += 1
            if count == _THEIRS:
                break
    rate = count / (time.monotonic() - began)
    print(
        f"  warcio and trafilatura with metadata: {rate:,.0f}/s; we are {ours / rate:.1f} times as fast"
    )


if __name__ == "__main__":
    named = [one for one in sys.argv[1:] if not one.isdigit()]
    place = named[0] if named else os.environ.get("SHARED_DATA")
    data = Path(place) if place else None
    for records in [int(one) for one in sys.argv[1:] if one.isdigit()] or [2_000, 8_000]:
        bench(data, records)
