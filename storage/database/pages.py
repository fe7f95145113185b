"""Pages saved: captures, what was read from them, their links, their rows done. A group at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert

from storage import times
from storage.database import articles, captures, images
from storage.database.absences import Absence, save_absences
from storage.database.frontier import Frontier
from storage.database.prepared import Prepared, columns
from storage.database.queue import Finished
from storage.database.schema import failure
from storage.records import Failure, Page
from storage.warc.writer import Appended

_INSERT_FAILURE = Prepared(insert(failure).values(columns(failure, "id")))


@dataclass(frozen=True, slots=True)
class Kept:
    """A page, and its record if a byte came back."""

    page: Page
    appended: Appended | None
    capture: int | None = None
    """Id of the capture if the database has it already (recovery)."""
    provenance: str = "own"
    """`own`, `donated`, `commoncrawl`, `wayback`: who caught it."""
    ip: str | None = None
    """The server's address, where no exchange of ours tells it."""
    reading: str | None = None
    """What the capture's `reading` says; None: as the page tells (`reading_state`)."""


def save_pages(
    tx: Connection, frontier: Frontier | None, site: str, run: str, pages: Sequence[Kept]
) -> None:
    """Save a group of pages; if it cannot be, each alone. What one page spoils stays with it.

    `frontier`: the crawl's, which their links and their ends go to; None for what was not crawled
    (import, rescue). Raises what the driver raises for faults that are not a page's.
    """
    cursor = tx.connection.cursor()
    cursor.execute("SAVEPOINT pages")
    mark = frontier.mark() if frontier is not None else None
    try:
        _save_group(tx, frontier, site, run, pages)
    except page_errors(tx) as error:
        cursor.execute("ROLLBACK TO SAVEPOINT pages")
        if frontier is not None and mark is not None:
            frontier.undo(mark)
        if len(pages) == 1:
            _save_group(tx, frontier, site, run, [_spoiled(pages[0], error)])
        else:
            for page in pages:
                save_pages(tx, frontier, site, run, [page])
    cursor.execute("RELEASE SAVEPOINT pages")


def page_errors(tx: Connection) -> tuple[type[Exception], ...]:
    """Bad values are a page's; a disk that is full or a connection that broke is not."""
    driver: Any = tx.dialect.dbapi
    return (
        driver.IntegrityError,
        driver.DataError,
        driver.InterfaceError,
        driver.ProgrammingError,
        ValueError,
        TypeError,
        OverflowError,
    )


def _spoiled(kept: Kept, error: Exception) -> Kept:
    """The page without what was read from it: its capture and the reason stay."""
    reason = str(error).encode("utf-8", "replace").decode()
    what = Failure("save", type(error).__name__, reason)
    page = replace(
        kept.page,
        article=None, image=None, body_sha256=None, links=(), failures=(what,), failed=True,
    )  # fmt: skip
    return replace(kept, page=page)


def _save_group(
    tx: Connection, frontier: Frontier | None, site: str, run: str, pages: Sequence[Kept]
) -> None:
    ids = _save_captures(tx, site, run, pages)
    _save_content(tx, site, pages, ids)
    if frontier is not None:
        _lead_on(tx, frontier, pages)
    _save_failures(tx, site, run, pages, ids)


def _lead_on(tx: Connection, frontier: Frontier, pages: Sequence[Kept]) -> None:
    """What follows for the crawl: rules, links, the pages' own rows."""
    for kept in pages:
        page = kept.page
        if page.robots is not None:
            frontier.set_rules(tx, page.row, page.robots)
        elif page.row.role == "robots" and page.failed:
            frontier.close_origin(tx, page.row, page.failures[-1])
    frontier.add_found(tx, [(kept.page.row, kept.page.links) for kept in pages if kept.page.links])
    frontier.finish(tx, [_finished(kept.page) for kept in pages])


def _save_captures(tx: Connection, site: str, run: str, pages: Sequence[Kept]) -> list[int | None]:
    """Ids of the pages' captures, in their order; None where no byte came."""
    rows = []
    for kept in pages:
        page = kept.page
        if kept.capture is not None:
            captures.set_reading(tx, kept.capture, reading_state(page), page.body_sha256)
        elif kept.appended is not None and page.capture is not None:
            ip = page.exchange.ip if page.exchange else kept.ip
            rows.append(
                captures.capture_row(
                    page.capture, kept.appended, site=site, run=run, ip=ip,
                    reading=kept.reading or reading_state(page), body_sha256=page.body_sha256,
                )
                | {"provenance": kept.provenance}
            )  # fmt: skip
    new = captures.insert_captures(tx, rows)
    return [
        kept.capture or (new.get(kept.appended.record.record_id) if kept.appended else None)
        for kept in pages
    ]


def reading_state(page: Page) -> str:
    """What a capture's `reading` says: done, failed, or none (nothing in it to read)."""
    if page.article is not None:
        return "done"
    return "failed" if any(failure_.stage == "read" for failure_ in page.failures) else "none"


def _save_content(
    tx: Connection, site: str, pages: Sequence[Kept], ids: Sequence[int | None]
) -> None:
    images.save_images(tx, [kept.page.image for kept in pages if kept.page.image is not None])
    read, absent, files = [], [], set()
    for kept, id_ in zip(pages, ids, strict=True):
        page, capture = kept.page, kept.page.capture
        if capture is None or id_ is None:
            continue
        if page.article is not None:
            at = times.utc_text(capture.fetched_at)
            read.append(articles.ReadCapture(id_, capture.url, at, page.article))
        if (why := why_absent(page)) is not None:
            at = times.utc_text(capture.fetched_at)
            absent.append(Absence(id_, site, capture.url, at, why))
        if page.body_sha256 is not None or capture.location is not None:
            files.add(capture.url)
    articles.save_readings(tx, site, read)
    save_absences(tx, site, absent)
    if files:
        images.bind_files(tx, site, files)


def why_absent(page: Page) -> str | None:
    """Why the page that was asked for is not there; None if it is, or nobody can say."""
    if page.row.role not in ("article", "page") or page.capture is None:
        return None
    if page.capture.status in (404, 410):
        return str(page.capture.status)
    said = {what.kind for what in page.failures} & {"soft_404", "redirect_home"}
    return said.pop() if said else None


def _save_failures(
    tx: Connection, site: str, run: str, pages: Sequence[Kept], ids: Sequence[int | None]
) -> None:
    rows = [
        row | {"capture": id_}
        for kept, id_ in zip(pages, ids, strict=True)
        for row in failure_rows(site, run, kept.page)
    ]
    _INSERT_FAILURE.insert(tx, rows)


def failure_rows(site: str, run: str, page: Page) -> list[dict[str, Any]]:
    """A page's failures as rows, but for their capture. They happened when it was captured."""
    at = page.capture.fetched_at if page.capture is not None else times.now()
    return [
        {
            "run": run,
            "site": site,
            "url": what.url or page.row.url,
            "at": times.utc_text(at),
            "stage": what.stage,
            "kind": what.kind,
            "skipped": int(what.skipped),
            "message": what.message,
        }
        for what in page.failures
    ]


def _finished(page: Page) -> Finished:
    if page.retry_seconds is not None:
        return Finished(page.row, "queued", times.steady() + page.retry_seconds)
    return Finished(page.row, "failed" if page.failed else "done")
