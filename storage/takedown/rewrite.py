"""Takes records out of WARC files, file by file; every other record keeps its bytes.

The order for a file, so that a crash at any moment loses nothing and brings nothing back:
the new file written and synced beside the old one → renamed → listed in the manifest with what it
replaces → shipped with that manifest, where the old file is in a store → the records taken out
noted in the journal → one transaction moves the rows to the new file and drops those of the records
taken out → the old file and its index removed, from the store too. Whoever runs the takedown again
goes on: what rows still cover is yet to be done, and a replaced file without rows is yet to be
removed.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, select

from storage import files, times
from storage.archive import Archive
from storage.database.access_rows import note_rewritten
from storage.database.connect import writing
from storage.database.donations import rename_file
from storage.database.schema import capture
from storage.errors import NotFound, UsageError, WarcError
from storage.folder import OPEN_SUFFIX, ArchiveFolder
from storage.lines import append_lines, read_lines
from storage.query.access import Audience
from storage.store.file import WarcFile, sha256_of
from storage.store.objects import named_store
from storage.store.ship import remove_here, replace_in_store
from storage.takedown.covers import covered_captures
from storage.takedown.purge import forget, purge
from storage.warc import manifest
from storage.warc.members import Member, walk
from storage.warc.tombstone import tombstone
from storage.warc.writer import archive_fault

_SUFFIX = re.compile(r"(?:-r(\d+))?\.warc\.gz$")
_UNFINISHED = ".rewriting"
_PIECE = 1 << 20
_AT_ONCE = 500


Log = dict[str, Any]
"""What a rewrite did. `records`: ids of the responses and revisits taken out. `files`: each new
file with its sha256, and the one that it replaces. `kept`: ids of records at covered addresses that
stay, hidden: they hold nothing of the page, and other addresses' revisits refer to them."""


def rewrite(archive: Archive, taken: dict[str, Any]) -> Log:
    """Take out what a takedown (a row of `takedown`) covers, and keep a log of it.

    Raises ArchiveBusy (a site is being crawled, files are being shipped), UsageError, WarcError,
    ArchiveFault; run again, it goes on.
    """
    try:
        with archive.sites_lock(_sites(archive)) as engine, archive.folder.shipping_lock():
            with archive.reading(Audience.STAFF) as tx:
                targets, kept = _targets(tx, taken["covers"])
            for name, rows in targets.items():
                _rewrite_file(archive.folder, engine, name, rows, taken["id"])
            _remove_replaced(archive, engine)
            log = _keep_log(archive.folder, engine, taken["id"], kept)
            forget(engine)
            return log
    except OSError as error:
        raise archive_fault(error, "cannot rewrite (it is hidden; run it again)") from error


def _keep_log(folder: ArchiveFolder, engine: Engine, id_: str, kept: list[str]) -> Log:
    """The log of all files, also of those that an earlier try had done."""
    lines = read_lines(folder.journal, naming=id_)
    done = {line["file"]: line for line in lines if line["kind"] == "takedown_rewriting"}
    log = {
        "records": sorted(id_ for line in done.values() for id_ in line["records"]),
        "files": [{name: line[name] for name in _OF_FILE} for line in done.values()],
        "kept": kept,
    }
    _note(folder, "takedown_rewritten", takedown=id_, log=log)
    with writing(engine) as tx:
        note_rewritten(tx, id_, log)
    return log


_OF_FILE = ("file", "sha256", "replaces")


def _note(folder: ArchiveFolder, kind: str, **what: Any) -> None:
    append_lines(folder.journal, [{"kind": kind, "at": times.utc_text(times.now())} | what])


def _sites(archive: Archive) -> list[str]:
    """All sites: a record that is referred to may be anywhere, and may not be, meanwhile."""
    with archive.reading(Audience.STAFF) as tx:
        return sorted(tx.execute(select(capture.c.site).distinct()).scalars())


def _targets(tx: Connection, covers: Iterable[Any]) -> tuple[dict[str, list[Any]], list[str]]:
    """Rows of the records to take out, by file; and ids of those at covered addresses that stay."""
    covered = {row.record_id: row for row in covered_captures(tx, map(tuple, covers))}
    values = {(kind, value) for kind, value in covers}
    by_content = {
        id_
        for id_, row in covered.items()
        if ("payload", row.payload_digest) in values or ("sha256", row.body_sha256) in values
    }
    referring, kept = _referring(tx, list(covered)), []
    for id_ in list(covered):
        outside = [row for row in referring[id_] if row.record_id not in covered]
        if outside and id_ not in by_content:
            kept.append(id_)
            del covered[id_]
        covered |= {row.record_id: row for row in outside if id_ in by_content}
    by_file = defaultdict(list)
    for row in covered.values():
        by_file[row.warc_file].append(row)
    return dict(sorted(by_file.items())), kept


def _referring(tx: Connection, record_ids: Sequence[str]) -> defaultdict[str, list[Any]]:
    """Rows of the revisits to these records, by the record."""
    found = defaultdict(list)
    for start in range(0, len(record_ids), _AT_ONCE):
        some = capture.c.refers_to.in_(record_ids[start : start + _AT_ONCE])
        query = select(capture).where(capture.c.record_type == "revisit", some)
        for row in tx.execute(query):
            found[row.refers_to].append(row)
    return found


def _rewrite_file(
    folder: ArchiveFolder, engine: Engine, name: str, rows: list[Any], id_: str
) -> None:  # fmt: skip
    old = folder.file(name)
    if old.name.endswith(OPEN_SUFFIX):
        raise UsageError(f"{name} was left open; `tinhuyen recover` closes it")
    out = {row.record_id for row in rows}
    new_name = _next_name(name)
    new = folder.root / new_name
    files.make_folder(new.parent)  # the old one may be another machine's
    moved = _write_without(old, new.with_name(new.name + _UNFINISHED), out, id_)
    files.rename(new.with_name(new.name + _UNFINISHED), new)
    files.sync_folder(new.parent)
    listed = next((e for e in manifest.read_entries(folder) if e.file in (name, new_name)), None)
    site, run = (listed.site, listed.run) if listed else (rows[0].site, None)
    sha256 = sha256_of(new)
    entry = manifest.Entry(new_name, new.stat().st_size, sha256, site, run, replaces=name)
    manifest.list_file(folder, entry)
    replace_in_store(folder, entry)
    did = {"file": new_name, "sha256": sha256, "replaces": name, "records": sorted(out)}
    _note(folder, "takedown_rewriting", takedown=id_, **did)
    with writing(engine) as tx:
        purge(tx, rows)
        _move_rows(tx, name, new_name, moved)
        rename_file(tx, name, new_name)
    _remove(folder, name)


def _next_name(name: str) -> str:
    found = _SUFFIX.search(name)
    if found is None:
        raise UsageError(
            f"{name} is not compressed record by record; only .warc.gz can be rewritten in place"
        )
    return f"{name[: found.start()]}-r{int(found[1] or 0) + 1}.warc.gz"


def _write_without(old: WarcFile, new: Path, out: set[str], takedown: str) -> dict[int, int]:
    """Write a file anew without these records and what was captured with them, and sync it.

    Returns where each record that stays began, and begins now.
    """
    members = list(_members(old))
    also = _exchanges(members, out)
    new.unlink(missing_ok=True)
    handle = files.create(new)
    try:
        moved, size = {}, 0
        with old.open("rb") as source:
            for one, fields in members:
                if fields["warc-record-id"] in out:
                    pieces: Iterable[bytes] = tombstone(fields["warc-record-id"], takedown)
                elif fields["warc-record-id"] in also:
                    continue
                else:
                    moved[one.offset] = size
                    pieces = _copied(source, one.offset, one.length)
                for piece in pieces:
                    files.write(handle, piece)
                    size += len(piece)
        files.sync(handle)
    finally:
        os.close(handle)
    return moved


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    length: int


def _members(path: WarcFile) -> Iterator[tuple[_Place, dict[str, str]]]:
    for found in walk(path):
        if not isinstance(found, Member):
            what = f"{found.reason}; a damaged file is not rewritten: restore it first"
            raise WarcError(what, path, found.offset)
        yield _Place(found.offset, found.length), found.fields


def _exchanges(members: Sequence[tuple[_Place, dict[str, str]]], out: set[str]) -> set[str]:
    """Ids of the requests and metadata that were captured together with these records."""
    with_ = {f["warc-record-id"]: f.get("warc-concurrent-to") for _, f in members}
    named = {with_[id_] for id_ in out if with_.get(id_)}
    return {id_ for id_, to in with_.items() if to in out or id_ in named} - out


def _copied(source: Any, offset: int, length: int) -> Iterator[bytes]:
    source.seek(offset)
    while length:
        piece = source.read(min(length, _PIECE))
        yield piece
        length -= len(piece)


def _move_rows(tx: Connection, old: str, new: str, moved: dict[int, int]) -> None:
    here = select(capture.c.id, capture.c.warc_offset)
    for row in tx.execute(here.where(capture.c.warc_file == old)).all():
        place = {"warc_file": new, "warc_offset": moved[row.warc_offset]}
        tx.execute(capture.update().where(capture.c.id == row.id).values(**place))


def _remove(folder: ArchiveFolder, name: str) -> None:
    store = named_store()
    if store is not None:
        store.remove(name)
    remove_here(folder, name)


def _remove_replaced(archive: Archive, engine: Engine) -> None:
    """Files that a crash left beside what replaces them, once no row needs them."""
    for name in manifest.replaced_in(archive.folder.manifest):
        with engine.connect() as tx, contextlib.suppress(NotFound):
            archive.folder.file(name)
            here = select(capture.c.id).where(capture.c.warc_file == name).limit(1)
            if tx.execute(here).first() is None:
                _remove(archive.folder, name)
