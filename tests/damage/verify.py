"""What `warc verify` says of bytes: shared by the tests and the tally."""

from __future__ import annotations

from pathlib import Path

from storage.archive import Archive
from storage.warc.verify.bench import Verdict
from storage.warc.verify.round import Round
from tests.damage.writer import Damaged


def verify(folder: Path, damaged: Damaged) -> Verdict:
    """The verdict over the damaged file, the others verified before it."""
    files = {**damaged.others, damaged.name: damaged.data}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    round_ = Round(Archive(folder / "no-archive"))
    verdicts = {one.file: one for one in round_.named([str(folder / name) for name in files])}
    return verdicts[str(folder / damaged.name)]
