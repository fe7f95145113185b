"""A file's records taken together: what it says of itself, and what belongs together in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from storage.folder import OPEN_SUFFIX
from storage.warc.verify.rules import Flaw, Rule
from storage.warc.verify.walk import RawRecord

_NAME = re.compile(r".+-\d{14,17}-\d+(-.+)?\.warc(\.gz)?")  # the guidelines' form
_LARGE_BYTES = 2_000_000_000
_INFO_MAX_BYTES = 1 << 16
_SHOULD_SAY = ("software", "format")
_WE_SAY = ("conformsto", "operator", "robots", "hostname", "http-header-user-agent", "ispartof")


@dataclass(slots=True)
class Whole:
    """What is gathered while a file's records pass by."""

    name: str
    """The file's name, without folders."""
    size: int
    ours: bool
    """The archive's own crawls wrote it: what we promise of them is held against it."""
    _count: int = 0
    _responses: dict[str, int] = field(default_factory=dict)
    _partners: dict[str, set[str]] = field(default_factory=dict)
    """Types of the records that name a record as concurrent, or that it names itself."""
    _types: dict[str, str] = field(default_factory=dict)

    def take(self, record: RawRecord) -> Iterator[Flaw]:
        """The next record; its flaws as part of the file."""
        self._count += 1
        if self._count == 1:
            yield from self._first(record)
        self._link(record)

    def _first(self, record: RawRecord) -> Iterator[Flaw]:
        if record.type != "warcinfo":
            yield Flaw(record.offset, Rule.NO_WARCINFO, f"it is a {record.type or 'nothing'}")
            return
        named = record.get("warc-filename")
        if named is not None and named != self.name.removesuffix(OPEN_SUFFIX):
            yield Flaw(record.offset, Rule.RENAMED, named)
        block = record.block.beginning(_INFO_MAX_BYTES).decode("utf-8", "replace")
        said = {line.partition(":")[0].strip().lower() for line in block.splitlines()}
        for name in (*_SHOULD_SAY, *(_WE_SAY if self.ours else ())):
            if name not in said:
                yield Flaw(record.offset, Rule.THIN_WARCINFO, name)

    def _link(self, record: RawRecord) -> None:
        id_, type_ = record.id, record.type
        if id_ is None or type_ not in ("request", "response", "metadata", "revisit"):
            return
        self._types[id_] = type_
        if type_ == "response" and (record.get("warc-target-uri") or "").lstrip("<")[:4] == "http":
            self._responses[id_] = record.offset
        for name, value in record.fields:
            if name.lower() == "warc-concurrent-to":
                self._partners.setdefault(value, set()).add(id_)
                self._partners.setdefault(id_, set()).add(value)

    def end(self) -> Iterator[Flaw]:
        """What only the end of the file tells."""
        if not _NAME.fullmatch(self.name.removesuffix(OPEN_SUFFIX)):
            yield Flaw(0, Rule.ODD_NAME, self.name)
        if self.size > _LARGE_BYTES:
            yield Flaw(0, Rule.TOO_LARGE, f"{self.size:,} bytes")
        for id_, offset in self._responses.items():
            types = {self._types.get(partner) for partner in self._partners.get(id_, ())}
            if "request" not in types and not self._shared(id_):
                yield Flaw(offset, Rule.NO_REQUEST)
            if self.ours and "metadata" not in types:
                yield Flaw(offset, Rule.NO_METADATA)

    def _shared(self, id_: str) -> bool:
        """A request of the same event, by way of a third record (§5.7)."""
        return any(
            self._types.get(other) == "request"
            for partner in self._partners.get(id_, ())
            for other in self._partners.get(partner, ())
        )
