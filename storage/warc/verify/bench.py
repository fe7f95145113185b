"""Where files are laid to be verified: all that is needed to judge them, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection

from storage.archive import Archive
from storage.errors import NotFound, NotHere, StoreFault
from storage.folder import OPEN_SUFFIX
from storage.store.file import WarcFile, sha256_of
from storage.store.objects import named_store
from storage.warc import fixity
from storage.warc.manifest import own_entries
from storage.warc.verify import scratch, store
from storage.warc.verify.one import Checked, check_file
from storage.warc.verify.pace import Pace
from storage.warc.verify.places import Places
from storage.warc.verify.rules import Flaw, Rule

_OPEN = "it is being written, or was left open by a crash (`tinhuyen recover` closes it)"
_GONE = "it went away meanwhile (`warc verify --all` tells if it is missing)"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A file after its verification."""

    file: str
    """Its name in the archive, or its path if it lies elsewhere."""
    bytes: int = 0
    sha256: str | None = None
    records: int = 0
    flaws: tuple[Flaw, ...] = ()
    """In order of their offsets."""
    skipped: str | None = None
    """Why it was not looked at; None if it was."""

    @property
    def errors(self) -> int:
        """How many of its flaws are errors."""
        return sum(flaw.rule.severity == "error" for flaw in self.flaws)

    def as_json(self) -> dict[str, Any]:
        """The verdict with every flaw, what it means and what to do."""
        told = {"file": self.file, "bytes": self.bytes, "sha256": self.sha256}
        counts = {"records": self.records, "errors": self.errors, "skipped": self.skipped}
        return told | counts | {"flaws": [flaw.as_json() for flaw in self.flaws]}


class Bench:
    """Knows the manifest, the rows, the replica, and where every record seen so far lies."""

    def __init__(self, archive: Archive, replica: Path | None, pace: Pace) -> None:
        self._archive, self._folder = archive, archive.folder
        self._replica, self._pace = replica, pace
        self._listed = fixity.listed(self._folder)
        kept = self._folder.root / "logs" / "records.db" if self._folder.root.exists() else None
        self._kept, self._others = Places(kept), Places(None)
        names = self._folder.all_names()
        self._kept.keep_only({name.removesuffix(OPEN_SUFFIX) for name in names})
        scratch.clear(self._folder)

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kept.close()
        self._others.close()

    def verify(self, file: WarcFile) -> Verdict:
        """Everything but the originals of revisits.

        Raises nothing for a damaged file; ArchiveFault (the store fails, no room for a copy).
        """
        name = self._folder.name_of(file) if self._folder.holds(file) else str(file)
        if file.suffix == OPEN_SUFFIX:
            return Verdict(name, skipped=_OPEN)
        try:
            if isinstance(file, Path):
                return self._verify(file, name)
            with scratch.fetched(self._folder, file, self._pace) as copy:  # it is read four times
                return self._verify(copy, name)
        except StoreFault:
            raise
        except NotFound:
            return Verdict(name, skipped=_GONE)
        except OSError as error:
            if isinstance(file, Path) and not file.exists() and self._is_inside(name):
                return self._verify_moved(name)
            return Verdict(name, flaws=(Flaw(0, Rule.UNREADABLE, str(error)),))

    def _verify_moved(self, name: str) -> Verdict:
        """A file that went to the store meanwhile, or altogether."""
        try:
            moved = self._folder.file(name)
        except NotFound:
            return Verdict(name, skipped=_GONE)
        return self.verify(moved)

    def _verify(self, path: Path, name: str) -> Verdict:
        size, sha256 = path.stat().st_size, sha256_of(path, self._pace.open)
        checked = check_file(path, ours=_is_ours(name), open_file=self._pace.open)
        places = self._places(name)
        places.put(name, checked.places)
        flaws = [*checked.flaws, *places.duplicates(name)]
        if self._is_inside(name):
            flaws += fixity.compare(self._listed.get(name), size, sha256)
            flaws += self._check_store(name, checked)
            if self._replica is not None:
                flaws += store.check_replica(path, self._replica / name, self._pace.open)
        return Verdict(name, size, sha256, len(checked.places), in_order(flaws))

    def _check_store(self, name: str, checked: Checked) -> Iterator[Flaw]:
        with self._rows() as tx:
            if tx is not None:
                yield from store.check_rows(tx, name, checked.places, ours=_is_ours(name))
        yield from store.check_index(self._folder, name, checked.places)

    def revisits(self, name: str) -> list[Flaw]:
        """Revisits of a verified file whose original is not there, or another than they say."""
        rule = Rule.DANGLING_REVISIT if _is_ours(name) else Rule.ORIGINAL_ELSEWHERE
        with self._rows() as tx:
            return list(
                self._places(name).revisits(
                    name, rule, lambda id_: None if tx is None else store.payload_of(tx, id_)
                )
            )

    def missing_files(self) -> Iterator[Verdict]:
        """Files that the manifest or the rows name, as they now are, and the disk does not hold."""
        with self._rows() as tx:
            named = set() if tx is None else store.files_with_rows(tx)
        listed = fixity.listed(self._folder)
        own = {entry.file for entry in own_entries(self._folder)}
        there = {name.removesuffix(OPEN_SUFFIX) for name in self._folder.all_names()}
        is_alone = not self._archive.is_shared and named_store() is None
        for name in sorted({*listed, *named} - there):
            try:
                self._folder.file(name)
            except NotFound as error:
                if isinstance(error, NotHere) and name not in own and not is_alone:
                    yield Verdict(name, skipped=str(error))
                    continue
                rule = Rule.MISSING_FILE if name in listed else Rule.ROW_WITHOUT_RECORD
                yield Verdict(name, flaws=(Flaw(0, rule, "the whole file is missing"),))

    @contextmanager
    def _rows(self) -> Iterator[Connection | None]:
        """A view of the rows as they now are; None if the archive has no database."""
        with ExitStack() as stack:
            try:
                tx = stack.enter_context(self._archive.reading())
            except NotFound:
                tx = None
            yield tx

    def _is_inside(self, name: str) -> bool:
        return not Path(name).is_absolute()

    def _places(self, name: str) -> Places:
        return self._kept if self._is_inside(name) else self._others


def in_order(flaws: Iterable[Flaw]) -> tuple[Flaw, ...]:
    """By offset, errors first."""
    return tuple(sorted(flaws, key=lambda flaw: (flaw.offset, flaw.rule.severity)))


def _is_ours(name: str) -> bool:
    return name.startswith("warc/")
