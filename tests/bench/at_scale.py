"""`python -m tests.bench.at_scale`: what a capture costs, and what twenty million of them would.

Portals of tests.many_portals are crawled without a delay; then everything that one does with a
whole archive is done with theirs. Measured: bytes a capture of WARC, index and database, the
largest tables, and CPU ms a capture (user and system of our processes; of PostgreSQL its server's
apart). What is said of twenty million is that, multiplied; nothing here is as large.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from tests.conftest import ROOT
from tests.many_portals import draw_portals, served
from tests.postgres import server
from tests.simulate.load import cpu_seconds, server_pid

MANY = 20_000_000
PORTALS = 4
_OURS = [sys.executable, "-W", "ignore", "-c", "from crawler.cli import main; main()"]
_TABLES = {
    "sqlite": "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name",
    "postgresql": "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'",
}


class Measured:
    """An archive, and what was done with it."""

    def __init__(self, folder: Path, database: str | None, engine: Engine | None) -> None:
        self.archive = folder / "archive"
        self._database, self._engine = database, engine
        self.captures = 0
        self._empty: dict[str, int] = {}

    def make_empty(self) -> None:
        """The database as it is before the first capture: the gazetteer is in it."""
        subprocess.run(
            [*_OURS, "db", "upgrade"], env=self._environment(), check=True, capture_output=True
        )
        self._empty = self._sizes()
        print(f"  an empty database      {sum(self._empty.values()) / 1e6:9,.1f} MB")

    def _environment(self) -> dict[str, str]:
        own = {"TINHUYEN_ARCHIVE": str(self.archive)}
        return os.environ | own | ({"TINHUYEN_DATABASE": self._database} if self._database else {})

    def run(self, what: str, command: list[str], **more: str) -> None:
        """Do it; print what it cost a capture, once captures are known."""
        environment = self._environment() | more
        before, of_server, start = _used(), self._of_server(), time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        cpu, served_by = _used() - before, self._of_server() - of_server
        seconds = time.monotonic() - start
        if done.returncode:
            raise SystemExit(f"{what} failed: {done.stderr[-2000:]}")
        self.captures = self.captures or self._count()
        each = cpu / self.captures
        print(
            f"  {what:<22} {each * 1000:7.2f} ms CPU a capture, {served_by / self.captures * 1000:6.2f}"
            f" of the server's ({seconds:.0f} s in all);"
            f" {MANY:,}: {each * MANY / 3600:7.0f} hours of a core",
            flush=True,
        )

    def sizes(self) -> None:
        """Bytes a capture, and what takes them."""
        for name, pattern in (("WARC", "warc/*/*.warc.gz"), ("index", "cdx/warc/*/*.cdxj")):
            self._size(name, sum(path.stat().st_size for path in self.archive.glob(pattern)))
        grown = {name: size - self._empty.get(name, 0) for name, size in self._sizes().items()}
        self._size("database", sum(grown.values()))
        for name in sorted(grown, key=grown.__getitem__, reverse=True)[:7]:
            self._size(f"  {name}", grown[name])

    def _sizes(self) -> dict[str, int]:
        """Bytes of each table; SQLite's indexes have names of their own."""
        with self._reading() as engine, engine.connect() as connection:
            found = connection.execute(text(_TABLES[engine.dialect.name]))
            return {name: int(size) for name, size in found}

    def _size(self, name: str, size: int) -> None:
        each = size / self.captures
        print(f"  {name:<22} {each:9,.0f} bytes a capture; {MANY:,}: {each * MANY / 1e12:6.2f} TB")

    def _count(self) -> int:
        with self._reading() as engine, engine.connect() as connection:
            return int(connection.scalar(text("SELECT count(*) FROM capture")) or 0)

    @contextmanager
    def _reading(self) -> Iterator[Engine]:
        engine = create_engine(self._database or f"sqlite:///{self.archive / 'archive.db'}")
        yield engine
        engine.dispose()

    def _of_server(self) -> float:
        return cpu_seconds(server_pid(self._engine)) if self._engine else 0.0


def measure(folder: Path, articles: int, postgres: str | None) -> None:
    """Crawl, then do the rest. `postgres`: a server; None: SQLite."""
    portals = [
        replace(portal, articles=articles, images=1, missing=0, answer_seconds=0, page_bytes=37_000)
        for portal in draw_portals(PORTALS, seed=7)
    ]
    with ExitStack() as stack:
        engine = stack.enter_context(_engine(postgres)) if postgres else None
        measured = Measured(folder, _new(engine, "live"), engine)
        measured.archive.mkdir()
        measured.make_empty()
        site = stack.enter_context(served(portals, folder))
        site.declare(measured.archive, 0)
        ids = [portal.id for portal in portals]
        measured.run("crawl", [*_OURS, "crawl", *ids], **site.environment)
        print(f"  {measured.captures} captures of {len(ids)} sites")
        measured.sizes()
        measured.run("warc verify --all", [*_OURS, "warc", "verify", "--all"])
        measured.run("reextract --dry-run", [*_OURS, "reextract", "--dry-run"])
        copy, script = str(folder / "copy"), str(ROOT / "docs" / "deploy" / "backup.sh")
        measured.run("backup.sh", ["sh", script, str(measured.archive), copy])
        source = _new(engine, "live", make=False) or str(measured.archive)
        (folder / "copied").mkdir()
        target = _new(engine, "copied") or str(folder / "copied")
        measured.run("db copy", [*_OURS, "db", "copy", source, target])
        empty = _new(engine, "rebuilt")
        measured.run("rebuild", [*_OURS, *(["--database", empty] if empty else []), "rebuild"])


@contextmanager
def _engine(postgres: str) -> Iterator[Engine]:
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def _new(engine: Engine | None, name: str, *, make: bool = True) -> str | None:
    """The address of a database on the server; None without one."""
    if engine is None:
        return None
    if make:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    return engine.url.set(database=name).render_as_string(hide_password=False)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=500, help="of each of four portals")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    given = parser.parse_args()
    for name in [given.only] if given.only else ["sqlite", "postgresql"]:
        print(name)
        with (
            tempfile.TemporaryDirectory(prefix="tinhuyen-bench-") as folder,
            ExitStack() as stack,
        ):
            postgres = stack.enter_context(server(durable=True)) if name == "postgresql" else None
            measure(Path(folder), given.articles, postgres)


if __name__ == "__main__":
    main()
