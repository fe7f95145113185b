"""One simulation: so many workers over so many portals, until all sites are answered."""

from __future__ import annotations

import resource
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from tests.many_portals import Portal, read_log, served
from tests.simulate.load import Watch, cpu_seconds, database_load, server_pid, watching_engine
from tests.simulate.machines import Machines, answered, kept_twice, outcomes
from tests.simulate.result import Result, from_log, left_out

_COUNTERS = ("transactions", "rolled_back", "rows_written", "blks_read", "blks_hit", "deadlocks")


@dataclass(frozen=True)
class Bounds:
    """How fast, how many at once, how long."""

    delay: float
    """Seconds between two requests to a host or address."""
    at_once: int
    """Crawls that a worker makes at the same time."""
    seconds: float
    """After so long it is stopped."""


def simulate(
    folder: Path, postgres: str, portals: Sequence[Portal], workers: int, bounds: Bounds
) -> Result:
    """`postgres`: address of a server in which a database may be made."""
    with _database(postgres) as url, served(portals, folder) as server:
        engine = watching_engine(url)
        machines = Machines(folder, url, server, bounds.at_once, bounds.delay)
        machines.make_all_due()
        root = server_pid(engine)
        used, database_used, before = _of_ended(), cpu_seconds(root), database_load(engine)
        due = time.monotonic()
        machines.start(workers)
        try:
            with Watch(engine, [worker.pid for worker in machines.running]) as watch:
                _wait(engine, machines, len(portals), until=due + bounds.seconds)
        finally:
            machines.stop()
        end, log, after = time.monotonic(), read_log(server.log), database_load(engine)
        over = answered(engine)
        result = Result(
            workers=workers,
            delay=bounds.delay,
            seconds=end - due,
            cpu_seconds=_of_ended() - used,
            database_cpu_seconds=cpu_seconds(root) - database_used,
            answered=len(over),
            never_served=left_out(log, portals, over),
            kept_twice=kept_twice(engine),
            peaks=watch.peaks,
            database={name: after[name] - before[name] for name in _COUNTERS}
            | {"bytes": after["bytes"]},
            outcomes=outcomes(engine),
            **from_log(log, portals, bounds.delay, due, end),
        )
        engine.dispose()
    return result


def _wait(engine: Engine, machines: Machines, sites: int, until: float) -> None:
    """Until so many sites are answered, or time is up."""
    while len(answered(engine)) < sites and time.monotonic() < until:
        machines.check()
        time.sleep(0.5)


def _of_ended() -> float:
    """CPU seconds of this process's children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _database(postgres: str) -> Iterator[str]:
    """An empty one, gone in the end."""
    name = f"simulate_{uuid.uuid4().hex}"
    engine = watching_engine(postgres)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield f"{postgres.rsplit('/', 1)[0]}/{name}"
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
