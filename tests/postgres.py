"""A PostgreSQL server of the tests' own: a temporary folder, a port of the kernel's choosing."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_FAST = ("fsync=off", "full_page_writes=off")
_DURABLE = ("max_connections=300",)  # of workers by the dozen; the default is 100


def programs() -> Path | None:
    """Where initdb and postgres are: the newest of those that Debian installs side by side."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    return found[-1] if found else None


class Server:
    """A running server, which can go away and come back on its port."""

    def __init__(self, folder: Path, bin_: Path, settings: Sequence[str]) -> None:
        self._user = owner(folder)
        data = folder / "data"
        _run(self._user, bin_ / "initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = " ".join(["-c listen_addresses=127.0.0.1", f"-p {port}", f"-k {folder}"])
        options += "".join(f" -c {setting}" for setting in settings)
        self._control = (bin_ / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options)
        self.url = f"postgresql+psycopg://test@127.0.0.1:{port}/postgres"
        self.start()

    def start(self) -> None:
        """Until it answers."""
        _run(self._user, *self._control, "start")

    def stop(self) -> None:
        """As if its machine had lost its power: no connection is told."""
        _run(self._user, *self._control, "-m", "immediate", "stop")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Gone while the context lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """A server while the context lasts. `durable`: it syncs as it does by default."""
    bin_ = programs()
    if bin_ is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="tinhuyen-postgres-"))
    try:
        made = Server(folder, bin_, _DURABLE if durable else _FAST)
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Its address, `postgresql+psycopg://…/postgres`, while the context lasts."""
    with running(durable=durable) as made:
        yield made.url


def owner(folder: Path) -> pwd.struct_passwd | None:
    """Whom a folder is given to: neither PostgreSQL nor PgBouncer runs as root."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return user


def _run(user: pwd.struct_passwd | None, *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server would hold a pipe open
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    done.check_returncode()
