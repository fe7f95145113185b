"""`python -m tests.bench.replay --gigabytes 10`: how fast stored pages are answered.

Writes a store of that size (pages of a portal's weight with their pictures, WARC files of 1 GB),
serves it as `tinhuyen serve` does, and asks for random pages and pictures of it, one by one. Beside
them stands an answer of the reading room that does next to nothing. The store is removed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.conftest import TestArchive
from tests.serving import served
from tests.stored import Keeper

_PICTURE_BYTES = 200_000
_SAVE_EVERY = 500
_WORDS = "huyện uỷ tổ chức hội nghị tổng kết công tác xây dựng Đảng năm cán bộ nhân dân".split()


def page(number: int, count: int) -> str:
    """70 KB: 200 links, 30 pictures, two style sheets, text; as NukeViet's pages are."""
    some = random.Random(number)
    links = "".join(
        f'<li class="muc"><a href="/vi/news/bai-{some.randrange(count)}.html" title="Bài">Bài</a></li>'
        for _ in range(200)
    )
    pictures = "".join(f'<img src="/anh/{some.randrange(count)}.jpg" alt="Ảnh">' for _ in range(30))
    text = "".join(f"<p>{' '.join(some.choices(_WORDS, k=120))}</p>" for _ in range(60))
    return (
        f'<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>Bài {number}</title>'
        '<link rel="stylesheet" href="/a.css"><style>p{background:url(/nen.png)}</style></head>'
        f"<body><ul>{links}</ul><h1>Bài {number}</h1>{pictures}{text}</body></html>"
    )


def fill(folder: Path, size: int) -> int:
    """Write the store; how many pages, and as many pictures, are in it."""
    keeper, count = Keeper(folder), size // (_PICTURE_BYTES + 12_000)
    for number in range(count):
        at = f"{2015 + number % 10}-{number % 12 + 1:02}-{number % 28 + 1:02}T03:00:00Z"
        keeper.keep(f"http://thu.vn/vi/news/bai-{number}.html", page(number, count), at=at)
        picture = b"\xff\xd8\xff" + os.urandom(_PICTURE_BYTES)
        keeper.keep(f"http://thu.vn/anh/{number}.jpg", picture, "image/jpeg", at)
        if number % _SAVE_EVERY == 0:
            keeper.save()
    keeper.close()
    return count


def cpu_ms(process: int) -> float:
    """What a process has computed so far (proc(5), stat: utime and stime)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def measure(
    process: int, name: str, ask: Callable[[int], httpx.Response], numbers: list[int]
) -> float:
    """Ask, print median, 95th percentile and the server's computing; the median in ms."""
    took, computed = [], cpu_ms(process)
    for number in numbers:
        begun = time.perf_counter()
        answer = ask(number)
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, answer.text
    median, p95 = statistics.median(took), statistics.quantiles(took, n=20)[18]
    computed = (cpu_ms(process) - computed) / len(numbers)
    print(f"{name:<28} median {median:6.1f} ms   p95 {p95:6.1f} ms   computing {computed:5.1f} ms")
    return median


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--requests", type=int, default=400)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        archive = TestArchive(Path(folder) / "archive")
        count = fill(archive.folder, int(asked.gigabytes * 1e9))
        size = sum(path.stat().st_size for path in archive.warc_files())
        print(f"{size / 1e9:.1f} GB in {len(archive.warc_files())} files, {2 * count} captures,")
        print(f"written in {time.perf_counter() - begun:.0f} s")
        numbers = random.Random(1).choices(range(count), k=asked.requests)
        with served(archive) as server:
            replay, process = server.replay, server.process
            pages, pictures = (
                "/wayback/2020/http://thu.vn/vi/news/bai",
                "/wayback/2020im_/http://thu.vn/anh",
            )
            bare = measure(
                process,
                "the room, one word of JSON",
                lambda n: server.room.get("/openapi.json"),
                numbers,
            )
            one = measure(
                process, "a page, rewritten", lambda n: replay.get(f"{pages}-{n}.html"), numbers
            )
            measure(process, "a picture", lambda n: replay.get(f"{pictures}/{n}.jpg"), numbers)
            measure(
                process,
                "a page's calendar",
                lambda n: replay.get(f"/wayback/*/http://thu.vn/vi/news/bai-{n}.html"),
                numbers,
            )
            print(f"a page takes {one / bare:.1f} times as long as an answer without work")
