"""`python -m tests.bench.verify --megabytes 200`: how fast files are verified and indexed.

Writes one file of exchanges, a third of its bytes pages and the rest images that do not compress,
as portals are, and times each pass over it. Rates are of the gzipped file.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from storage.store.file import open_binary, sha256_of
from storage.warc import index
from storage.warc.verify.one import check_file
from storage.warc.verify.readers import _read_by_fastwarc, _read_by_warcio
from storage.warc.verify.walk import walk
from tests.damage.writer import PAGE
from tests.test_warc import HEAD, Store, exchange


def write_file(folder: Path, size: int) -> Path:
    store, number = Store(folder), 0
    while store.writer.written_bytes < size:
        noise = os.urandom(5000).hex().encode()
        body = PAGE * 60 + noise if number % 3 else os.urandom(40_000)
        store.append(exchange(HEAD + body, f"http://a.vn/{number}"))
        number += 1
    store.writer.close()
    [path] = store.files()
    return path


def rate(name: str, size: int, work: Callable[[], object]) -> None:
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    print(f"{name:<24} {seconds:6.2f} s  {size / seconds / 1e6:6.1f} MB/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    with tempfile.TemporaryDirectory() as folder:
        path = write_file(Path(folder), parser.parse_args().megabytes * 10**6)
        size = path.stat().st_size
        rate("sha256", size, lambda: sha256_of(path))
        rate("our walk", size, lambda: sum(1 for _ in walk(path)))
        rate("warcio", size, lambda: _read_by_warcio(path, open_binary))
        rate("FastWARC", size, lambda: _read_by_fastwarc(path, open_binary))
        rate("verify: all rules", size, lambda: check_file(path, ours=True))
        rate("index", size, lambda: index.index_file(path, path.name))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{size / 1e6:.0f} MB, peak {peak / 1024:.0f} MB of memory")
