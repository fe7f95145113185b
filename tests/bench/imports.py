"""How fast files are imported, read and indexed: `python -m tests.bench.imports [COUNT…]`.

The articles of `make bench` (37 kB, 110 links, 600 words), each a record of a gzipped WARC; for
every COUNT (8,000 if none is given) `tinhuyen import` is run: copy, read, save, search index and
CDXJ. With SHARED_DATA the same of a real portal's pages, which are twice as large. Named beside it
are what FastWARC, the parser, and warcio with trafilatura (see `make bench-needs`) do with the same
file on one core. CPU time is of all processes: it says more than seconds where others work too.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from fastwarc.warc import ArchiveIterator
from selectolax.lexbor import LexborHTMLParser

from storage.archive import Archive
from tests.bench.measured import Measured, measure
from tests.bench.site import _article
from tests.conftest import ROOT
from tests.damage.writer import member
from tests.donated import SITE, answer

_SOME = 200  # records are enough for a rate
THEIRS = ROOT / ".venv-trafilatura" / "bin" / "python"


def made_up(count: int) -> Iterator[bytes]:
    """Articles of the site that `make bench` crawls."""
    chance = random.Random(7)
    return (_article(chance, number, count).encode() for number in range(count))


def real(folder: Path, count: int) -> Iterator[bytes]:
    """Articles of a real portal, made to differ in title and text."""
    saved = sorted((folder / "nukeviet" / "articles").glob("*-0.html"))
    pages = [data for path in saved if (data := path.read_bytes())]
    for number in range(count):
        said = f"<p>Bài số {number} của huyện.</p>".encode()
        body = pages[number % len(pages)].replace(b"<h1", said + b"<h1", 1)
        yield body.replace(b"<title>", f"<title>{number} ".encode(), 1)


def write(path: Path, bodies: Iterator[bytes]) -> None:
    """A gzipped WARC of these pages."""
    with path.open("wb") as file:
        for number, body in enumerate(bodies):
            file.write(member(answer(number, body).data()))


def bench(what: str, bodies: Iterator[bytes]) -> None:
    """Import these pages, and read them as others would."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        path = root / "a.warc.gz"
        write(path, bodies)
        taken, count = import_file(path, root / "archive")
        print(
            f"{what}: {count:,} articles of {path.stat().st_size / 1e6:,.0f} MB in "
            f"{taken.seconds:.1f} s, {count / taken.seconds:,.0f} articles/s; CPU "
            f"{1000 * taken.cpu_seconds / count:.2f} ms a record; peak {taken.peak_mb:,.0f} MB "
            f"of {taken.processes} processes"
        )
        print(f"  of the same file on one core: {_fastwarc(path):,.0f} records/s by FastWARC, "
              f"{_parser(path):,.0f} pages/s by the parser, reading nothing")  # fmt: skip
        _trafilatura(path, count / taken.seconds, count / taken.cpu_seconds)


def import_file(path: Path, archive: Path, family: str = "nukeviet") -> tuple[Measured, int]:
    """Import a file into a new archive; what that took, and how many articles it gave."""
    (archive / "sites").mkdir(parents=True)
    declared = "[[site]]\n" + SITE.replace("plain", family)
    (archive / "sites" / "tin.toml").write_text(declared, "utf-8")
    taken = measure(["import", str(path), "--donor", "A", "--terms", "B"], archive)
    [run] = Archive(archive).runs()
    return taken, run["counts"]["articles"]


def _fastwarc(path: Path) -> float:
    with path.open("rb") as file:
        return _rate(lambda: sum(1 for record in ArchiveIterator(file) if record.reader.read()))


def _parser(path: Path) -> float:
    with path.open("rb") as file:
        bodies = [record.reader.read() for record in islice(ArchiveIterator(file), _SOME)]
    return _rate(lambda: len([LexborHTMLParser(body) for body in bodies]))


def _rate(work: Callable[[], int]) -> float:
    began = time.process_time()
    return work() / (time.process_time() - began)


def _trafilatura(path: Path, a_second: float, a_cpu_second: float) -> None:
    if not THEIRS.exists():
        print("  trafilatura is not measured: `make bench-needs` installs it")
        return
    command = [str(THEIRS), "tests/bench/theirs.py", str(path), str(_SOME)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    count, cpu_seconds, seconds = map(float, done.stdout.split())
    print(
        f"  warcio and trafilatura with metadata: {count / seconds:,.0f} pages/s, "
        f"{1000 * cpu_seconds / count:.1f} ms of CPU; the import is "
        f"{a_second * seconds / count:.1f} times as fast, {a_cpu_second * cpu_seconds / count:.1f} "
        "times by CPU time"
    )


if __name__ == "__main__":
    shared = os.environ.get("SHARED_DATA")
    for records in [int(one) for one in sys.argv[1:]] or [8_000]:
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        bench("articles of the bench site", made_up(records))
        if shared:
            bench("articles of a real portal", real(Path(shared), records))
