"""Makes an archive whole again after a crash: cuts torn tails, takes in what is not yet known.

Works file by file on what a site's last process left open. A whole exchange that the database
does not know is inserted with `reading = pending`; crawler.recover reads it. Nothing that was
acknowledged is touched.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine

from storage import files
from storage.database.captures import known_end, known_records
from storage.database.connect import writing
from storage.folder import ArchiveFolder
from storage.store.file import sha256_of
from storage.take_in import Part, find_holes, read_parts, take_in
from storage.warc import manifest


@dataclass(slots=True)
class Recovered:
    """What recovery did."""

    files: list[str] = field(default_factory=list)
    """Files that were left open and are now closed."""
    taken_in: int = 0
    """Whole exchanges that the database did not know."""
    cut_bytes: int = 0
    """Bytes of unfinished exchanges cut off."""
    damaged: list[str] = field(default_factory=list)
    """Damage among records that the database knows: left as it is, and said."""
    listed: list[str] = field(default_factory=list)
    """Closed files that were missing in the manifest."""
    held: list[str] = field(default_factory=list)
    """Open files that a living process writes: left alone."""

    def __bool__(self) -> bool:
        return bool(self.files or self.damaged or self.listed)

    def sentence(self) -> str:
        """What happened, for people."""
        listed = f"; {len(self.listed)} closed one(s) listed in the manifest" if self.listed else ""
        return (
            f"recovered {len(self.files)} file(s) left open: {self.taken_in} exchange(s) taken in, "
            f"{self.cut_bytes} byte(s) of unfinished ones cut off{listed}"
            + "".join(f"; {damage}" for damage in self.damaged)
        )


def recover_site(folder: ArchiveFolder, engine: Engine, site: str) -> Recovered:
    """Close and take in what a crash left open. The caller holds the site's lock.

    Raises OSError and what the database raises; run again, it goes on.
    """
    done = Recovered()
    for path in folder.open_files(site):
        with _unless_held(path) as handle:
            if handle is None:
                done.held.append(folder.name_of(path))
            else:
                _recover_file(folder, engine, site, path, handle, done)
    done.listed = manifest.list_missing(folder, site)
    return done


@contextmanager
def _unless_held(path: Path) -> Iterator[int | None]:
    """The file's handle, locked; None if a living process has it (an import, say)."""
    handle = files.open_existing(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _recover_file(
    folder: ArchiveFolder, engine: Engine, site: str, path: Path, handle: int, done: Recovered
) -> None:  # fmt: skip
    name, before = folder.name_of(path), path.stat().st_size
    with engine.connect() as connection:
        known = known_end(connection, name)
        parts = _wanted(connection, name, path)
    holes = list(find_holes(parts))
    if holes and holes[0][0] >= known:  # nothing behind it was acknowledged
        _close_holes(path, parts)
        done.cut_bytes += before - path.stat().st_size
        with _unless_held(path) as mended:
            assert mended is not None
            return _recover_file(folder, engine, site, path, mended, done)
    done.damaged += [f"{name}: bytes {a} to {b} hold no whole exchange" for a, b in holes]
    end = parts[-1].end if parts else 0
    files.cut(handle, end)
    files.sync(handle)
    done.cut_bytes += before - end
    if not any(part.run for part in parts):
        files.remove(path)
        files.sync_folder(path.parent)
        return None
    with writing(engine) as tx:
        done.taken_in += take_in(tx, site, name, parts)
    run = next(part.run for part in parts if part.run)
    manifest.close_file(folder, path, manifest.Entry(name, end, sha256_of(path), site, run))
    done.files.append(name)
    return None


def _wanted(connection: Connection, name: str, path: Path) -> list[Part]:
    """The file's whole parts, but for two sorts that count for nothing.

    Exchanges that were written again to another file, as happens after a failed fsync, when the
    file was given up and could not be cut back. And revisits whose original is lost: the power
    failed before either was synced, and only the later one had reached the disk.
    """
    parts = list(read_parts(path))
    ids = [part.record_id for part in parts]
    known = known_records(connection, ids + [part.refers_to for part in parts if part.refers_to])
    wanted: dict[str, Part] = {}
    for part in parts:
        is_here = known.get(part.record_id, name) == name
        original = part.refers_to
        if is_here and (original is None or original in known or original in wanted):
            wanted[part.record_id] = part
    return list(wanted.values())


def _close_holes(path: Path, parts: Sequence[Part]) -> None:
    """Write the file anew without them, in one step.

    A power loss leaves them where a later write reached the disk and an earlier one did not.
    """
    new = path.with_name(path.name + ".mended")
    new.unlink(missing_ok=True)
    handle = files.create(new)
    with path.open("rb") as old:
        for part in parts:
            old.seek(part.start)
            files.write(handle, old.read(part.end - part.start))
    files.sync(handle)
    os.close(handle)
    files.rename(new, path)
    files.sync_folder(path.parent)
