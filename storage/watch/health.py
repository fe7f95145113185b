"""Whether an archive can be used: for a load balancer, a watchdog, or a person in a hurry."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storage.archive import Archive
from storage.disk import floor_bytes
from storage.errors import TinHuyenError

_TAIL_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """`database`, `schema`, `disk` or `manifest`."""
    is_well: bool
    message: str


class _Unwell(Exception):
    """What is wrong, in words."""


def check_health(archive: Archive) -> list[Check]:
    """Look at everything, whatever is found. Takes milliseconds; reads, never writes."""
    looks: dict[str, Callable[[Archive], str]] = {
        "database": _database,
        "schema": _schema,
        "disk": _disk,
        "manifest": _manifest,
    }
    return [_check(name, look, archive) for name, look in looks.items()]


def as_json(checks: list[Check]) -> dict[str, Any]:
    """`{"ok": false, "checks": {"disk": {"ok": false, "message": "…"}, …}}`."""
    found = {one.name: {"ok": one.is_well, "message": one.message} for one in checks}
    return {"ok": all(one.is_well for one in checks), "checks": found}


def _check(name: str, look: Callable[[Archive], str], archive: Archive) -> Check:
    try:
        return Check(name, True, look(archive))
    except (_Unwell, TinHuyenError, OSError) as error:
        return Check(name, False, str(error))
    except SQLAlchemyError as error:  # its text names the statement, which helps nobody here
        return Check(name, False, str(getattr(error, "orig", None) or type(error).__name__))


def _database(archive: Archive) -> str:
    """It answers, and from its rows, not only from its head."""
    with archive.reading() as connection:
        runs = connection.execute(text("SELECT count(*) FROM run")).scalar_one()
    return f"answers; {runs} run(s)"


def _schema(archive: Archive) -> str:
    """It may have been upgraded since this process began."""
    from storage.database.connect import newest_revision

    with archive.reading() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found != newest_revision():
        raise _Unwell(f"version {found}; this program needs {newest_revision()}")
    return f"version {found}"


def _disk(archive: Archive) -> str:
    free, floor = shutil.disk_usage(archive.folder.root).free, floor_bytes()
    said = f"{free >> 20:,} MB left, of which {floor >> 20:,} MB are not used"
    if free < floor:
        raise _Unwell(f"{said}: crawls end with exit code 3")
    return said


def _manifest(archive: Archive) -> str:
    """Its last whole line is an entry; an archive that never closed a file has none."""
    path = archive.folder.manifest
    if not path.exists():
        if any(archive.folder.root.glob("warc/*/*.warc.gz")):
            raise _Unwell(f"{path.name} is missing, and there are closed WARC files")
        return "no file is closed yet"
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        whole = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
    try:
        return f"last entry {json.loads(whole)['file']}"
    except (ValueError, KeyError, TypeError):
        raise _Unwell(f"the last line of {path.name} is no entry") from None
