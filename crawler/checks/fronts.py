"""The declared lists as they were and as they are: read from their records, side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from crawler.checks.look import Look, ReadRecord
from crawler.checks.signs import visible_text
from crawler.pages.document import Document
from storage.database.schema import capture
from storage.errors import DecodeError, NotFound, WarcError
from storage.records import Record

_NUMBERS = re.compile(r"[0-9a-f]{8,}|\d+")
_FEWEST_TAGS = 5
_REDIRECTS = 10
_RUNS_BACK = 5


@dataclass(frozen=True, slots=True)
class Front:
    """A declared list as one capture shows it."""

    record_id: str
    title: str | None
    text: str
    shape: frozenset[str]
    """Its tags with their classes and ids, numbers left out."""

    def alike(self, other: Front) -> float:
        """How much of both shapes they share (Jaccard): 1 is all."""
        return len(self.shape & other.shape) / max(1, len(self.shape | other.shape))


def compare_fronts(look: Look, read: ReadRecord) -> list[tuple[Front, Front]]:
    """Each declared list that came whole in this run, beside how it came last before."""
    pairs = []
    for url in look.site.listings:
        new = _front(look, read, look.run, url)
        if new is None:
            continue
        earlier = (_front(look, read, run, url) for run in look.past[: -_RUNS_BACK - 1 : -1])
        old = next((front for front in earlier if front is not None), None)
        if old is not None and len(old.shape) >= _FEWEST_TAGS:
            pairs.append((old, new))
    return pairs


def _front(look: Look, read: ReadRecord, run: str, url: str) -> Front | None:
    """None if the run has no whole answer of it; one that says it is as before will do."""
    record = next(_answers(look, run, url), None)
    if record is None:
        return None
    try:
        capture_ = read(record)
        document = Document(capture_.unchanged or capture_, look.site)
    except (WarcError, NotFound, DecodeError):  # verification is for others to do
        return None
    title, shape = document.text("title"), frozenset(_shape(document))
    return Front(record.record_id, title, visible_text(document), shape)


def _answers(look: Look, run: str, url: str) -> Iterator[Record]:
    """Where the list's page lies, behind any redirects."""
    for _ in range(_REDIRECTS):
        statement = (
            select(
                capture.c.status, capture.c.location, capture.c.warc_file, capture.c.warc_offset,
                capture.c.warc_length, capture.c.record_id,
            )
            .where(capture.c.run == run, capture.c.url == url, capture.c.truncated.is_(None))
            .order_by(capture.c.fetched_at.desc(), capture.c.id.desc())
        )  # fmt: skip
        row = look.tx.execute(statement.limit(1)).first()
        if row is None:
            return
        if row.status in (200, 304):
            yield Record(*row[2:])
        if row.location is None:
            return
        url = row.location


def _shape(document: Document) -> Iterator[str]:
    root = document.tree.body
    for node in root.traverse() if root is not None else ():
        if node.tag == "body" or not node.is_element_node:
            continue
        attributes = node.attributes
        names = [f".{name}" for name in (attributes.get("class") or "").split()]
        if id_ := attributes.get("id"):
            names.append(f"#{id_}")
        for name in names or [""]:
            yield f"{node.tag}{_NUMBERS.sub('', name)}"
