"""Pages put into an archive without a crawl: written by the real writer, at times of one's choice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage import times
from storage.archive import Archive
from storage.database.captures import capture_row, insert_captures
from storage.database.runs import SiteRow, save_site, start_run
from storage.exchange import Exchange
from storage.records import Record
from storage.warc.exchange_records import Original, digests_of
from storage.warc.info import WarcInfo
from storage.warc.writer import WarcWriter

HTML = "text/html; charset=utf-8"
AT = "2024-03-01T03:00:00Z"
_SITE = SiteRow(
    id="thu", name="Thử", organ="other", hosts=[], district=None, district_from=None,
    province=None, family=None, state="open", since=None, evidence=None, origin="declared",
)  # fmt: skip


class Keeper:
    """Keeps responses of a site `thu` as a crawl does, but for reading them."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.archive = Archive(folder, database)
        self.engine = self.archive.open_for_writing()
        with self.engine.begin() as tx:
            save_site(tx, _SITE)
            self.run = start_run(tx, "thu", "crawl", "full").id
        info = WarcInfo("thu", self.run, "tinhuyen/test", "tinhuyen/test (a@b.vn)", "a@b.vn")
        self.writer = WarcWriter(self.archive.folder, info, 10**9)
        self.rows: list[dict[str, Any]] = []

    def keep(
        self, url: str, body: bytes | str, mime: str = HTML, at: str = AT, *,
        status: int = 200, headers: tuple[str, ...] = (), original: Original | None = None,
        cut: Any = None, head: bytes | None = None,
    ) -> Record:  # fmt: skip
        """One response; its row goes in with `close`. `head`: instead of an HTTP head."""
        body = body.encode() if isinstance(body, str) else body
        typed = [f"Content-Type: {mime}"] if mime else []
        lines = [f"HTTP/1.1 {status} Said", *typed, *headers, "", ""]
        made = Exchange(url)
        made.fetched_at = times.parse_utc(at)
        made.send(b"GET / HTTP/1.1\r\nHost: thu.vn\r\n\r\n")
        made.receive(("\r\n".join(lines).encode() if head is None else head) + body)
        if cut:
            made.cut(cut)
        else:
            made.finish()
        appended = self.writer.append(made, digests_of(made), original)
        capture = made.to_capture()
        self.rows.append(
            capture_row(capture, appended, site="thu", run=self.run, ip=None, reading="none")
        )
        made.close()
        return appended.record

    def save(self) -> None:
        """Put the rows into the database."""
        self.writer.sync()
        with self.engine.begin() as tx:
            insert_captures(tx, self.rows)
        self.rows = []

    def close(self) -> None:
        """Close the file, save the rows."""
        self.save()
        self.writer.close()
        self.engine.dispose()


@contextmanager
def keeping(folder: Path, database: str | None = None) -> Iterator[Keeper]:
    """A keeper over a new archive; everything is in it when the context ends."""
    keeper = Keeper(folder, database)
    yield keeper
    keeper.close()
