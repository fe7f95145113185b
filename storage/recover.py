"""Makes an archive whole again after a crash: cuts torn tails, takes in what is not yet known.

Works file by file on what a site's last process left open. A whole exchange that the database
does not know is inserted with `reading = pending`; crawler.recover reads it. Nothing that was
acknowledged is touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine

from storage import http, times
from storage.database.captures import capture_row, insert_captures, known_records
from storage.database.runs import meet_run
from storage.folder import ArchiveFolder
from storage.records import Capture, Record
from storage.warc import manifest
from storage.warc.exchange_records import Digests
from storage.warc.members import Gap, Member, walk
from storage.warc.writer import Appended


@dataclass(slots=True)
class Recovered:
    """What recovery did."""

    files: list[str] = field(default_factory=list)
    """Files that were left open and are now closed."""
    taken_in: int = 0
    """Whole exchanges that the database did not know."""
    cut_bytes: int = 0
    """Bytes of unfinished exchanges cut off at the end of files."""
    damaged: list[str] = field(default_factory=list)
    """Damage within a file: left as it is, and said."""
    listed: list[str] = field(default_factory=list)
    """Closed files that were missing in the manifest."""

    def __bool__(self) -> bool:
        return bool(self.files or self.damaged or self.listed)

    def sentence(self) -> str:
        """What happened, for people."""
        return (
            f"recovered {len(self.files)} file(s) left open: {self.taken_in} exchange(s) taken in, "
            f"{self.cut_bytes} byte(s) of unfinished ones cut off"
            + "".join(f"; {damage}" for damage in self.damaged)
        )


def recover_site(folder: ArchiveFolder, engine: Engine, site: str) -> Recovered:
    """Close and take in what a crash left open. The caller holds the site's lock.

    Raises OSError and what the database raises; run again, it goes on.
    """
    done = Recovered()
    for path in folder.open_files(site):
        _recover_file(folder, engine, site, path, done)
    done.listed = manifest.list_missing(folder, site)
    return done


@dataclass(frozen=True, slots=True)
class _Exchange:
    """The response record of a whole exchange, and the run that its metadata names."""

    member: Member
    run: str | None


def _recover_file(
    folder: ArchiveFolder, engine: Engine, site: str, path: Path, done: Recovered
) -> None:
    name = folder.name_of(path)
    exchanges, end, gaps = _whole_exchanges(path)
    done.damaged += [gap.reason for gap in gaps if gap.offset < end]
    done.cut_bytes += _cut(path, end)
    if end == 0:  # not even its warcinfo record was whole
        path.unlink()
        return
    with engine.begin() as tx:
        known = known_records(tx, name)
        for exchange in exchanges:
            if exchange.run and exchange.member.fields["warc-record-id"] not in known:
                _take_in(tx, site, name, exchange)
                done.taken_in += 1
    run = next((exchange.run for exchange in exchanges), None)
    entry = manifest.Entry(name, end, manifest.sha256_of(path), site, run)
    manifest.close_file(folder, path, entry)
    done.files.append(name)


def _whole_exchanges(path: Path) -> tuple[list[_Exchange], int, list[Gap]]:
    """Whole exchanges, the end of the last one (or of warcinfo), and the gaps."""
    exchanges, gaps, end, run = [], [], 0, None
    for found in walk(path):
        if isinstance(found, Gap):
            gaps.append(found)
            continue
        kind = found.fields.get("warc-type")
        if kind == "metadata":
            run = dict(_lines(found.block)).get("tinhuyen-run")
        if kind in ("response", "revisit"):
            exchanges.append(_Exchange(found, run))
            run = None
        if kind in ("warcinfo", "response", "revisit"):
            end = found.offset + found.length
    return exchanges, end, gaps


def _lines(block: bytes) -> Iterator[tuple[str, str]]:
    for line in block.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()


def _cut(path: Path, end: int) -> int:
    """Cut a file back to `end` and sync it; returns the bytes cut off."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.truncate(end)
        os.fsync(file.fileno())
    return size - end


def _take_in(tx: Connection, site: str, file: str, exchange: _Exchange) -> None:
    fields, block = exchange.member.fields, exchange.member.block
    head = http.parse_head(block) or http.Head(0, (), 0)
    capture = Capture(
        url=fields["warc-target-uri"],
        fetched_at=times.parse_utc(fields["warc-date"]),
        status=head.status,
        headers=head.headers,
        raw_body=b"",
        truncated=fields.get("warc-truncated") if fields["warc-type"] == "response" else None,  # type: ignore[arg-type]
    )
    assert exchange.run is not None
    meet_run(tx, site, exchange.run, fields["warc-date"])
    row = capture_row(
        capture,
        _appended(file, exchange.member),
        site=site,
        run=exchange.run,
        ip=fields.get("warc-ip-address"),
        reading="pending",
    )
    insert_captures(tx, [row])


def _appended(file: str, member: Member) -> Appended:
    fields = member.fields
    record = Record(file, member.offset, member.length, fields["warc-record-id"])
    digests = Digests(fields["warc-block-digest"], fields.get("warc-payload-digest"), 0)
    return Appended(record, fields["warc-type"], digests, fields.get("warc-refers-to"))
