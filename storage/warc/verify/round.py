"""One round of verification: which files, in which order, and the log.

The log, `logs/verify.jsonl`, has a line for each file verified and for the begin and end of each
round over everything. It tells which files are due (`--oldest`), and where a round that was
stopped goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from storage import times
from storage.archive import Archive
from storage.errors import NotHere
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.lines import append_lines, read_lines
from storage.store.file import WarcFile
from storage.warc.verify.bench import Bench, Verdict, in_order
from storage.warc.verify.pace import Pace


@dataclass(slots=True)
class Round:
    """Verifies files of an archive, or files that lie elsewhere. All raise OSError, WarcError."""

    archive: Archive
    replica: Path | None = None
    """A copy of the archive's folder, to compare with."""
    pace: Pace = field(default_factory=lambda: Pace(None))

    def named(self, names: Iterable[str]) -> Iterator[Verdict]:
        """These files: paths, or names that the archive gives. Raises NotFound."""
        wanted = [self._folder.named(name) for name in names]
        with self._bench() as bench:
            yield from self._verify(bench, wanted)

    def oldest(self, size: int) -> Iterator[Verdict]:
        """Files of the archive whose last check is longest ago, up to so many bytes in all."""
        with self._bench() as bench:
            yield from self._verify(bench, self._up_to(size))

    def everything(self) -> Iterator[Verdict]:
        """All files and rows of the archive; goes on with a round that was stopped."""
        since = self._begun()
        if since is None:
            since = self._note("begun")
        done = {line["file"] for line in self._lines("file") if line["at"] >= since}
        left = (name for name in self._by_age() if name not in done)
        with self._bench() as bench:
            yield from self._verify(bench, self._files(left))
            yield from bench.missing_files()
        self._note("ended")

    @property
    def _folder(self) -> ArchiveFolder:
        return self.archive.folder

    @property
    def _log(self) -> Path:
        return self._folder.root / "logs" / "verify.jsonl"

    def _bench(self) -> Bench:
        return Bench(self.archive, self.replica, self.pace)

    def _verify(self, bench: Bench, wanted: Iterable[WarcFile]) -> Iterator[Verdict]:
        """A file whose originals may be in a later one waits for the end."""
        waiting = []
        for file in wanted:
            verdict = bench.verify(file)
            if bench.revisits(verdict.file):
                waiting.append(verdict)
            else:
                yield self._logged(verdict)
        for verdict in waiting:
            flaws = in_order([*verdict.flaws, *bench.revisits(verdict.file)])
            yield self._logged(replace(verdict, flaws=flaws))

    def _logged(self, verdict: Verdict) -> Verdict:
        """Only files of the archive stand in its log."""
        if verdict.skipped is None and not Path(verdict.file).is_absolute():
            counts = {"records": verdict.records, "errors": verdict.errors}
            rules = sorted({flaw.rule.slug for flaw in verdict.flaws})
            told = {"file": verdict.file, "at": times.utc_text(times.now())}
            line = told | {"bytes": verdict.bytes, "sha256": verdict.sha256} | counts
            append_lines(self._log, [line | {"rules": rules}])
        return verdict

    def _note(self, event: str) -> str:
        at = times.utc_text(times.now())
        append_lines(self._log, [{"round": event, "at": at}])
        return at

    def _lines(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in read_lines(self._log) if kind in line]

    def _begun(self) -> str | None:
        """When the round over everything that is not ended began; None if there is none."""
        last = next(reversed(self._lines("round")), {"round": "ended", "at": ""})
        return str(last["at"]) if last["round"] == "begun" else None

    def _by_age(self) -> list[str]:
        """Names of all files, here and in the store."""
        last = {line["file"]: line["at"] for line in self._lines("file")}
        return sorted(self._folder.all_names(), key=lambda name: (last.get(name, ""), name))

    def _files(self, names: Iterable[str]) -> Iterator[WarcFile]:
        """Where each is by now: a round takes long, and files move to the store or go meanwhile.

        One that is gone is left out; whether it should be there is asked at the end.
        """
        for name in names:
            with suppress(NotHere):
                yield self._folder.file(name.removesuffix(OPEN_SUFFIX))

    def _up_to(self, size: int) -> Iterator[WarcFile]:
        """At least one: a file larger than all that is allowed would never be looked at."""
        for file in self._files(self._by_age()):
            if file.suffix != OPEN_SUFFIX:
                size -= file.stat().st_size
            yield file
            if size <= 0:
                return
