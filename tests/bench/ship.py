"""Shipping to S3 and reading from there: `python -m tests.bench.ship [MEGABYTES]`.

Ships one file of so many megabytes (100) to the tests' S3 server, reads all of it back (shipping
does) and once more, and prints the rate against sha256 of the local file in the same run, and how
much more memory the command took than one that ships a single megabyte. The server shares the
machine's cores, and reads a whole object for each range that it is asked for: of rates only the
order is meant, and memory is what is measured.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from storage.folder import ArchiveFolder
from storage.store.file import sha256_of
from storage.warc.manifest import Entry, list_given
from tests.s3 import S3, moto

_COMMAND = """
import resource, sys
from crawler.cli import app
try: app(sys.argv[1:])
except SystemExit: print("kilobytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", type=int, nargs="?", default=100)
    megabytes = parser.parse_args().megabytes
    with moto() as port, S3(port) as s3, tempfile.TemporaryDirectory() as root:
        environment = s3.environment("bench") | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        small, _ = _ship(Path(root) / "small", 1, environment)
        large, seconds = _ship(Path(root) / "large", megabytes, environment)
    print(f"shipped and read back: {megabytes / seconds:,.0f} MB/s")
    print(f"memory: {large / 1000:,.0f} MB at most, {small / 1000:,.0f} MB for one megabyte")


def _ship(root: Path, megabytes: int, environment: dict[str, str]) -> tuple[int, float]:
    """Kilobytes of memory at most, and seconds."""
    name = f"warc/a/{root.name}.warc.gz"
    path = root / name
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for number in range(megabytes):
            file.write(random.Random(number).randbytes(10**6))
    began = time.perf_counter()
    sha256 = sha256_of(path)
    alone = time.perf_counter() - began
    list_given(ArchiveFolder(root), Entry(name, path.stat().st_size, sha256, "a", None))
    command = [sys.executable, "-c", _COMMAND, "--archive", str(root), "warc", "ship"]
    began = time.perf_counter()
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    assert not path.exists(), done.stdout
    print(f"{root.name}: {seconds:.1f} s, {seconds / max(alone, 1e-3):.1f} × sha256 of the file")
    return int(done.stdout.split()[-1]), seconds


if __name__ == "__main__":
    main()
