"""Packages of archives of several sizes: memory must stay flat, time must grow with the bytes.

    python -m tests.bench.packages [COPIES …]

The demo's archive with its WARC file as many times over, each with record ids of its own.
"""

from __future__ import annotations

import gzip
import re
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from storage.warc.members import Member, walk
from tests.conftest import TestArchive

_ID = re.compile(rb"urn:uuid:[0-9a-f]{8}")
_ROW = """
INSERT INTO capture (run, site, url, urlkey, fetched_at, status, mime, location, payload_digest,
  block_digest, warc_file, warc_offset, warc_length, record_id, record_type, refers_to, ip,
  truncated, provenance, body_sha256, reading)
SELECT run, site, url, urlkey, fetched_at, status, mime, location, payload_digest, block_digest,
  :file, :offset, :length, replace(record_id, substr(record_id, 11, 8), :id), record_type,
  refers_to, ip, truncated, provenance, body_sha256, 'none'
FROM capture WHERE warc_file = :original AND warc_offset = :at
"""


def multiply(archive: TestArchive, copies: int) -> int:
    """So many more WARC files and their rows; returns the bytes of all."""
    [original] = archive.warc_files()
    opened = archive.open()
    name, data = opened.folder.name_of(original), original.read_bytes()
    members = [one for one in walk(original) if isinstance(one, Member)]
    plain = [gzip.decompress(data[one.offset : one.offset + one.length]) for one in members]
    engine = opened.open_for_writing()
    for number in range(copies):
        copy = original.with_name(original.name.replace("-00000-", f"-{number + 1:05}-"))
        id_ = f"{number:08x}"
        with copy.open("wb") as file, engine.begin() as tx:
            for one, record in zip(members, plain, strict=True):
                at = file.tell()
                file.write(gzip.compress(_ID.sub(b"urn:uuid:" + id_.encode(), record), 1))
                place = {"original": name, "at": one.offset, "id": id_, "offset": at}
                place |= {"file": opened.folder.name_of(copy), "length": file.tell() - at}
                tx.execute(text(_ROW), place)
    engine.dispose()
    opened.close()
    return sum(path.stat().st_size for path in archive.warc_files())


def main() -> None:
    for copies in map(int, sys.argv[1:] or ("1", "20", "200")):
        with TemporaryDirectory() as place:
            archive = TestArchive(Path(place) / "archive")
            archive.folder.mkdir()
            archive.scrapy("crawl", "demo")
            size = multiply(archive, copies)
            archive.tinhuyen("warc", "index")
            for what in ((), ("--articles", "huyện uỷ")):
                print(f"{size / 1e6:8,.1f} MB of WARC  {' '.join(what) or 'everything':24}", end="")
                print(measure(archive, [*what, str(Path(place) / f"{len(what)}.wacz")]))


def measure(archive: TestArchive, arguments: list[str]) -> str:
    """Seconds and peak memory of one `tinhuyen wacz`."""
    code = (
        "import resource, sys; from crawler.cli import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    begun = time.perf_counter()
    done = archive._run([sys.executable, "-c", code, "wacz", *arguments], 3600)
    assert done.returncode == 0, done.stderr
    peak = int(done.stderr.split()[-1]) / 1024
    return (
        f"{time.perf_counter() - begun:6.1f} s  {peak:5.0f} MiB peak  {done.stdout.strip()[-70:]}"
    )


if __name__ == "__main__":
    main()
