"""Time and memory of imports as files grow: `python -m tests.bench.import_memory [COUNT…]`.

A file of so many small articles for every COUNT (2,000, 20,000 and 200,000 if none is given): twice
as many must take twice as long and no more memory. With `--large MB…`, files of so many megabytes,
of records of 20 MB that do not pack (videos): 50 MB and 5,000 MB. Memory is that of all processes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from storage.warc.record import member
from tests.bench.imports import import_file
from tests.donated import page

_VIDEO_BYTES = 20_000_000
_COUNTS = [2_000, 20_000, 200_000]


def articles(count: int) -> Iterator[bytes]:
    """Records of small pages, half a kilobyte of text each."""
    return (_record(number, "text/html", page(number)) for number in range(count))


def videos(megabytes: int) -> Iterator[bytes]:
    """Records of bodies that nobody reads."""
    body = os.urandom(_VIDEO_BYTES)
    count = megabytes * 1_000_000 // _VIDEO_BYTES
    return (_record(n, "video/mp4", n.to_bytes(4, "big") + body) for n in range(count))


def _record(number: int, mime: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}\r\n\r\n"
    block = head.encode() + body
    fields: list[tuple[str, str | None]] = [
        ("WARC-Type", "response"),
        ("WARC-Record-ID", f"<urn:uuid:00000000-0000-0000-0000-{number:012}>"),
        ("WARC-Date", "2024-03-01T03:00:00Z"),
        ("WARC-Target-URI", f"http://tin.example/tin-tuc/bai-viet-{number}"),
        ("Content-Type", "application/http;msgtype=response"),
    ]
    return b"".join(member(fields, [block], len(block)))


def bench(records: Iterator[bytes]) -> None:
    """Import a file of these records."""
    with tempfile.TemporaryDirectory() as made:
        path, count = Path(made) / "a.warc.gz", 0
        with path.open("wb") as file:
            for count, record in enumerate(records, 1):  # noqa: B007 it is told
                file.write(record)
        size = path.stat().st_size / 1e6
        taken, _ = import_file(path, Path(made) / "archive", "plain")
        print(
            f"{count:>7,} records, {size:>7,.0f} MB: {taken.seconds:>7.1f} s, CPU "
            f"{1000 * taken.cpu_seconds / count:>7.2f} ms a record, peak {taken.peak_mb:,.0f} MB "
            f"of {taken.processes} processes; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("counts", type=int, nargs="*")
    arguments.add_argument("--large", type=int, nargs="+", default=[], metavar="MB")
    given = arguments.parse_args()
    for records in given.counts or ([] if given.large else _COUNTS):
        bench(articles(records))
    for megabytes in given.large:
        bench(videos(megabytes))
