"""Crawls sites in this process, one after the other, and recovers them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from crawler.attachments.read import read_after_crawl, read_attachments
from crawler.outcome import Limits
from crawler.recover import Reader, close_files
from crawler.site_rows import meet_sites, row_of
from crawler.sites import Site, find_site, load_sites
from storage import logs
from storage.archive import Archive
from storage.database.connect import writing
from storage.database.frontier import Frontier
from storage.database.runs import LAST_CHANCE
from storage.errors import ArchiveBusy, Exit, TinHuyenError, UsageError
from storage.handed_out import HandedOut
from storage.query.runs import unfinished_run
from storage.warc.writer import archive_fault


@dataclass(frozen=True, slots=True)
class CrawlResult:
    """How the crawl of one site ended."""

    site: str
    run: str | None
    exit_code: Exit
    outcome: str
    message: str | None
    counts: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"exit_code": int(self.exit_code)}


@dataclass(frozen=True, slots=True)
class Budget:
    """What the crawl of each site may take before it ends, to be gone on with; None: no end."""

    requests: int | None = None
    seconds: float | None = None


_NO_END = Budget()


def crawl_sites(
    archive: Archive, ids: Sequence[str], mode: str, budget: Budget = _NO_END
) -> list[CrawlResult]:
    """Crawl these sites at the same time, each politely. Raises SiteError, UsageError."""
    logs.begin()
    if mode not in ("full", "update", LAST_CHANCE):
        raise UsageError(f"no mode {mode!r}; there are full and update")
    declared = load_sites(archive.folder.sites)
    sites = [find_site(declared, id_) for id_ in dict.fromkeys(ids)]
    return _crawl(archive, sites, _overrides(archive, mode, budget))


def _crawl(archive: Archive, sites: list[Site], overrides: dict[str, Any]) -> list[CrawlResult]:
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.utils.project import get_project_settings

    from crawler.crawl import crawl_of
    from crawler.spiderloader import spider_for

    os.environ["SCRAPY_SETTINGS_MODULE"] = "crawler.settings"
    settings = get_project_settings()
    settings.setdict(overrides, priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    crawlers = [process.create_crawler(spider_for(site)) for site in sites]
    for crawler in crawlers:
        process.crawl(crawler)
    process.start()
    for crawler in crawlers:
        crawl_of(crawler).broken_off()
    read_after_crawl(archive, [crawl_of(one).site.id for one in crawlers if crawl_of(one).counts])
    return [_result(crawl_of(crawler)) for crawler in crawlers]


def _overrides(archive: Archive, mode: str, budget: Budget) -> dict[str, Any]:
    return {
        "ARCHIVE": str(archive.folder.root),
        "DATABASE": archive.database_url if not archive.is_embedded else None,
        "CRAWL_MODE": mode,
        "RUN_MAX_REQUESTS": budget.requests or 0,
        "RUN_MAX_SECONDS": budget.seconds or 0,
        "SHOW_PROGRESS": True,
        "LOG_LEVEL": "WARNING",  # the log of JSON lines has its own
        "LOG_STDOUT": False,
    }


def _result(crawl: Any) -> CrawlResult:
    run = crawl.run.id if crawl.run else None
    shown = crawl.archive.run(run) if run else None
    outcome = (shown and shown["outcome"]) or "stopped" if run else "not begun"
    counts = shown["counts"] if shown else None
    return CrawlResult(crawl.site.id, run, crawl.exit_code, outcome, crawl.message, counts)


def recover_sites(archive: Archive, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Recover these sites, or all that have files. Returns what was done, site by site.

    Raises ArchiveBusy if one of them is being crawled.
    """
    declared = load_sites(archive.folder.sites)
    with_files = sorted(
        path.name for path in (archive.folder.root / "warc").glob("*") if path.is_dir()
    )
    done = []
    for id_ in ids or with_files:
        result = _recover(archive, find_site(declared, id_))
        if result is not None:
            done.append(result)
    return done


def recover_free(archive: Archive) -> Exit:
    """Recover what a machine left open in its folder when it died, but for sites that are crawled.

    For the start of a worker, in a process of its own: a page may end the one that reads it. A site
    that cannot be recovered is said, and the others go on; FAILED then.
    """
    declared, code = load_sites(archive.folder.sites), Exit.DONE
    for id_ in sorted({path.parent.name for path in archive.folder.root.glob(_LEFT_OPEN)}):
        if id_ in declared:
            try:
                result = _recover(archive, declared[id_])
                logs.complain(f"{id_}: {result['message'] if result else 'nothing to recover'}")
            except ArchiveBusy:  # whoever crawls it goes on; the next start looks again
                continue
            except TinHuyenError as error:
                logs.complain(f"{id_}: {error}; `tinhuyen recover {id_}` tries again")
                code = Exit.FAILED
    return code


_LEFT_OPEN = "warc/*/*.warc.gz.open"


def _recover(archive: Archive, site: Site) -> dict[str, Any] | None:
    try:
        with archive.site_lock(site.id) as engine:
            handed_out = HandedOut(archive.folder.warc(site.id))
            meet_sites(archive, engine, [row_of(site)])
            recovered = close_files(archive, engine, site, handed_out)
            frontier = _frontier(engine, site)
            reader = Reader(archive, engine, frontier, site, Limits())
            read = reader.read_pending(handed_out)
            read_attachments(archive, engine, [site.id])
    except OSError as error:
        raise archive_fault(error, f"cannot recover {site.id}") from error
    if not recovered and not read:
        return None
    return asdict(recovered) | {
        "site": site.id,
        "read": read,
        "message": f"{recovered.sentence()}; {read} page(s) read",
    }


def _frontier(engine: Engine, site: Site) -> Frontier:
    """Of the run that goes on; what is pending belongs to no other."""
    with writing(engine) as tx:
        run = unfinished_run(tx, site.id)
        frontier = Frontier(site.id, run or "", update_only=False)
        frontier.open(tx, [], resumed=True)
    frontier.committed()
    return frontier
