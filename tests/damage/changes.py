"""Single bytes of sound files changed at random: each change is named, or proven harmless.

Harmless is what no digest and no checksum can reach, and what loses nothing of what was fetched:
a gzipped file decompresses to the same bytes (its time stamp, a bit of padding), or the change
stands in a plain file's named field that is still well formed. The proof is made with Python's
own gzip and with the writer's knowledge of where blocks lie, not with the code under test.
"""

from __future__ import annotations

import gzip
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.damage.kinds import PLAIN_NAME
from tests.damage.verify import verify
from tests.damage.writer import PAGE, Damaged, Rec, packed, plain, response, sound
from tests.test_warc import Store, exchange

PACKED_NAME = "thu-20240301030000-00000-may.warc.gz"


@dataclass(frozen=True)
class Change:
    """One byte of a file changed."""

    name: str
    data: bytes
    position: int
    before: int

    @property
    def original(self) -> bytes:
        return self.data[: self.position] + bytes([self.before]) + self.data[self.position + 1 :]


def records(name: str) -> list[Rec]:
    return [r.set("WARC-Filename", name) if n == 0 else r for n, r in enumerate(sound())]


def sound_files(folder: Path) -> dict[str, bytes]:
    """A gzipped and a plain file of the plain writer, and one that our own writer wrote."""
    files = {PACKED_NAME: packed(records(PACKED_NAME)), PLAIN_NAME: plain(records(PLAIN_NAME))}
    store = Store(folder)
    for number in range(3):
        page = response(PAGE * (number + 1), "Transfer-Encoding: identity")
        store.append(exchange(page, f"http://a.vn/{number}"))
    store.writer.close()
    return files | {path.name: path.read_bytes() for path in store.files()}


def changes(files: dict[str, bytes], count: int, seed: int) -> Iterator[Change]:
    """The files in turn; any byte may become any other."""
    chance = random.Random(seed)
    for number in range(count):
        name = list(files)[number % len(files)]
        data = bytearray(files[name])
        position = chance.randrange(len(data))
        before = data[position]
        data[position] = (before + chance.randrange(1, 256)) % 256
        yield Change(name, bytes(data), position, before)


def tally(folder: Path, count: int, seed: int) -> Counter[str]:
    """How many changes each rule named, how many were harmless and why, how many were missed."""
    made = sound_files(folder / "made")
    return Counter(judge(folder, change) for change in changes(made, count, seed))


def judge(folder: Path, change: Change) -> str:
    """The first error that names the change; else why it is harmless; else `MISSED …`."""
    verdict = verify(folder, Damaged(change.data, "", 0, change.name))
    named = [f.rule.slug for f in verdict.flaws if f.rule.severity == "error"]
    noted = [f.rule.slug for f in verdict.flaws if f.rule.severity == "finding"]
    if named:
        return f"error {named[0]}"
    harmless = why_harmless(change)
    if harmless is None:
        return f"MISSED at {change.position} of {change.name} ({change.before:#x})"
    return f"finding {noted[0]}" if noted else f"harmless: {harmless}"


def why_harmless(change: Change) -> str | None:
    """None if something of what was fetched may have changed."""
    if change.name != PLAIN_NAME:
        same = unpacked(change.data) == unpacked(change.original)
        return "the members decompress to the same bytes" if same else None
    for start, end in heads():
        if start <= change.position < end:
            return "a named field's value, still well formed"
    return None


def unpacked(data: bytes) -> bytes | None:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None


def heads() -> Iterator[tuple[int, int]]:
    """Where the record heads of the plain file lie: outside every block and line break behind."""
    at = 0
    for one in records(PLAIN_NAME):
        data = one.data()
        found = re.search(rb"\r\n\r\n", data)
        assert found is not None
        yield at, at + found.start()
        at += len(data)
