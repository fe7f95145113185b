"""What processes and the database use, looked at again and again (Linux, PostgreSQL)."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

_EVERY_SECONDS = 1.0
_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass
class Peaks:
    """The most that was seen at one moment."""

    processes: int = 0
    rss_mb: float = 0
    """Resident memory, pages that processes share counted in each."""
    pss_mb: float = 0
    """The same, a shared page divided among those that share it: what the machine must have."""
    connections: int = 0
    """To the database."""


class Watch:
    """Watches these processes and all below them, and the database, while the context lasts."""

    def __init__(self, engine: Engine, pids: list[int]) -> None:
        self.peaks = Peaks()
        self._engine, self._pids = engine, pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            pids = _below(self._pids)
            sizes = [_memory_mb(pid) for pid in pids]
            peaks = self.peaks
            peaks.processes = max(peaks.processes, len(pids))
            peaks.rss_mb = max(peaks.rss_mb, sum(rss for rss, _ in sizes))
            peaks.pss_mb = max(peaks.pss_mb, sum(pss for _, pss in sizes))
            peaks.connections = max(peaks.connections, database_load(self._engine)["connections"])


def database_load(engine: Engine) -> dict[str, Any]:
    """Since the database was made: transactions, rows written, blocks read; now: connections but
    ours, bytes.
    """
    with engine.connect() as connection:
        row = connection.execute(
            text(
                "SELECT numbackends - 1 AS connections, xact_commit + xact_rollback AS transactions,"
                " xact_rollback AS rolled_back, tup_inserted + tup_updated + tup_deleted AS"
                " rows_written, blks_read, blks_hit, deadlocks,"
                " pg_database_size(datname) AS bytes"
                " FROM pg_stat_database WHERE datname = current_database()"
            )
        )
        return dict(row.one()._mapping)


def watching_engine(url: str) -> Engine:
    """One connection of our own, in transactions of one statement."""
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=1)


def server_pid(engine: Engine) -> int:
    """The database server's first process."""
    with engine.connect() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    return _parent(int(backend or 0))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of all that it had or has below it."""
    return sum(_used(one) for one in _below([pid]))


def _below(roots: list[int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            pid = int(folder.name)
            children.setdefault(_parent(pid), []).append(pid)
    found, waiting = [], list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from `state` on (proc(5))."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _used(pid: int) -> float:
    try:
        user, system, ended_user, ended_system = map(int, _fields(pid)[11:15])
    except OSError:
        return 0.0
    return (user + system + ended_user + ended_system) / _TICK


def _memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional (proc(5), smaps_rollup); nothing of a process that has ended."""
    sizes = {"Rss:": 0, "Pss:": 0}
    with suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            name, *rest = line.split()
            if name in sizes:
                sizes[name] = int(rest[0])
    return sizes["Rss:"] / 1024, sizes["Pss:"] / 1024
