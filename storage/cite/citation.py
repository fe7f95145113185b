"""What a citation of an article says: the page, its capture, and where the archive keeps it.

A version's number may change (an older capture that is imported later comes before it); the time
of its capture does not. So a citation names the article and that time: `308bbaf278198bcc/
20240301030000`, and the archive finds the version that stood then (`Archive.article`).
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text

from storage.archive import Archive

_NO_DIGIT = re.compile(r"\D")


@dataclass(frozen=True, slots=True)
class Citation:
    """All that is cited; what is not known is None."""

    id: str
    """Article and 14 digits of capture time, UTC: what `tinhuyen show` takes."""
    address: str | None
    """Where the archive serves it; None where no operator named its address."""
    archive: str
    """The archive's name."""
    url: str
    """The page's own address, as it was."""
    title: str | None
    author: str | None
    """As printed: which syllable is a family name is not said, nor how many people it names."""
    office: str | None
    site: str
    """The portal's name."""
    published_at: str | None
    """Local, ISO 8601 cut to its precision."""
    captured_at: str
    """UTC."""
    captured_by: str | None
    """Who captured it, if not this archive: `commoncrawl` …"""
    record_id: str | None
    """Without brackets: `urn:uuid:…`"""
    payload_digest: str | None
    """Of the record; None for a page that was cut."""

    @property
    def published(self) -> tuple[int, ...]:
        """Year, month, day, as far as they are known."""
        return tuple(int(part) for part in (self.published_at or "")[:10].split("-") if part)

    @property
    def captured(self) -> tuple[int, ...]:
        """Year, month, day of the capture, in UTC."""
        return tuple(int(part) for part in self.captured_at[:10].split("-"))

    @property
    def evidence(self) -> str:
        """The capture in words, for styles that have no field for it."""
        by = f" by {self.captured_by}" if self.captured_by else ""
        record = f", record {self.record_id}" if self.record_id else ""
        digest = f", payload {self.payload_digest}" if self.payload_digest else ""
        when = f"{self.captured_at[:19]}Z"
        return f"captured {when}{by}; kept by {self.archive} as {self.id}{record}{digest}"

    def as_json(self) -> dict[str, Any]:
        """The citation for programs."""
        return asdict(self)


def cite(archive: Archive, id_: str, version: int | None = None) -> Citation:
    """The citation of a version of an article (of the newest if None). Raises as Archive.article.

    `TINHUYEN_NAME` names the archive, `TINHUYEN_ADDRESS` where its reading room is served.
    """
    article = archive.article(id_, version)
    with archive.reading() as connection:
        name = connection.execute(_NAME, {"site": article["site"]}).scalar_one()
    warc, address = article["warc"], os.environ.get("TINHUYEN_ADDRESS")
    id_ = f"{article['id']}/{_NO_DIGIT.sub('', article['captured_at'])[:14]}"
    return Citation(
        id=id_,
        address=f"{address.rstrip('/')}/article/{id_}" if address else None,
        archive=os.environ.get("TINHUYEN_NAME") or "Tin Huyện",
        **{name: article[name] for name in ("url", "title", "author", "office", "published_at")},
        site=name,
        captured_at=article["captured_at"],
        captured_by=None if warc["provenance"] == "own" else warc["provenance"],
        record_id=(warc["record_id"] or "").strip("<>") or None,
        payload_digest=warc["payload_digest"],
    )


_NAME = text("SELECT name FROM site WHERE id = :site")
