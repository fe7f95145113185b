"""What must be true of an archive, whatever happened to it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType
from sqlalchemy import text
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from crawler.rebuild import rebuild
from storage.archive import Archive
from storage.database.connect import reading_engine
from storage.rebuild import OLD
from storage.store.file import sha256_of
from storage.warc.manifest import read_entries
from tests.compare import content_of, differences
from tests.databases import database_of, empty_for_rebuild, on_server


@dataclass
class Findings:
    """Everything that is not as it must be, in words; empty if all is well."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, and not there any more."""
    twice: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.twice or self.invalid or self.unequal)

    def add(self, other: Findings) -> None:
        self.lost += other.lost
        self.twice += other.twice
        self.invalid += other.invalid
        self.unequal += other.unequal


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows as another process sees them: committed ones. None if there is no table yet.

    `database` is an archive's file; where archives stand on a server its folder names the database.
    """
    if url := database_of(database.parent):
        return rows_on_server(url, query)
    if not database.exists():
        return []
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def rows_on_server(url: str, query: str) -> list[tuple[Any, ...]]:
    """The same of a database by its address."""
    engine = reading_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def acknowledged(database: Path) -> set[tuple[str, str]]:
    """Record ids of captures, and addresses of frontier rows that are done."""
    captures = rows(database, "SELECT 'record', record_id FROM capture")
    done = rows(database, "SELECT 'done', url FROM frontier WHERE state = 'done'")
    return {(kind, value) for kind, value in captures + done}


def check_kept(folder: Path, promised: set[tuple[str, str]], findings: Findings) -> None:
    """Everything promised is in the database and, whole and with its digests, in a file."""
    found = records_by_fastwarc(folder, findings)
    captures = rows(folder / "archive.db", "SELECT record_id, url FROM capture")
    have = {("record", id_) for id_, _ in captures if id_ in found}
    have |= {("done", url) for id_, url in captures if id_ in found}
    findings.lost += [f"{kind} {value}" for kind, value in sorted(promised - have)]


def records_by_fastwarc(folder: Path, findings: Findings) -> set[str]:
    """Ids of responses and revisits whose digests FastWARC finds right."""
    found: set[str] = set()
    kinds = WarcRecordType.response | WarcRecordType.revisit
    for path in warc_files(folder):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, kinds, parse_http=False):
                id_ = record.headers["WARC-Record-ID"]
                if not record.verify_block_digest():
                    findings.invalid.append(f"{path.name}: {id_}: FastWARC: wrong block digest")
                if id_ in found:
                    findings.twice.append(f"{id_} stands in two places")
                found.add(id_)
    return found


def check_files(folder: Path, findings: Findings) -> None:
    """Every file is whole to warcio too, and is the one that the manifest lists."""
    for path in warc_files(folder):
        try:
            with path.open("rb") as stream:
                for record in WarcioIterator(stream, check_digests="raise"):
                    record.content_stream().read()
        except Exception as error:  # noqa: BLE001 whatever warcio says is the finding
            findings.invalid.append(f"{path.name}: warcio: {error!r}")
    listed = {entry.file: entry.sha256 for entry in read_entries(Archive(folder).folder)}
    files = {path.relative_to(folder).as_posix(): sha256_of(path) for path in warc_files(folder)}
    if listed != files:
        names = sorted(name for name in listed.keys() | files.keys()
                       if listed.get(name) != files.get(name))  # fmt: skip
        findings.invalid.append(f"the manifest is wrong about {names}")


def check_once(folder: Path, articles: list[tuple[Any, ...]], findings: Findings) -> None:
    """The articles are those of an undisturbed crawl; no run captured an address twice."""
    database = folder / "archive.db"
    mine = rows(database, ARTICLES)
    if mine != articles:
        findings.twice.append(f"{len(mine)} articles and versions, not {len(articles)}")
    for run, url, count in rows(database, _CAPTURED_TWICE):
        findings.twice.append(f"{run} captured {url} {count} times")


ARTICLES = """
    SELECT a.id, a.url, a.title, v.content_digest, a.versions
      FROM articles a JOIN article_versions v ON v.article_id = a.id AND v.version = a.version
     ORDER BY a.id"""
_CAPTURED_TWICE = "SELECT run, url, count(*) FROM capture GROUP BY run, url HAVING count(*) > 1"


def check_rebuild(folder: Path, findings: Findings) -> None:
    """Rebuilt, the database is equal to the live one; the rebuilt one stays."""
    archive = Archive(folder)
    live = content_of(archive.database_url)
    empty_for_rebuild(folder)
    rebuild(archive)
    findings.unequal += differences(live, content_of(archive.database_url))
    (folder / OLD).unlink(missing_ok=on_server())


def warc_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("warc/*/*.warc.gz"))
