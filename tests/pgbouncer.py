"""PgBouncer before a PostgreSQL server, as its package configures it but for the mode."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.postgres import owner
from tests.waiting import wait_for

_SETTINGS = """
[databases]
* = host=127.0.0.1 port={port_of_server} user=test
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""


@contextmanager
def pooled(url: str, mode: str) -> Iterator[str]:
    """The address of the same database through a pool, while the context lasts."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    behind = make_url(url)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="tinhuyen-pgbouncer-") as folder:
        path = Path(folder) / "pgbouncer.ini"
        path.write_text(_SETTINGS.format(port_of_server=behind.port, port=port, mode=mode))
        with _running([program, "--quiet", str(path)], Path(folder)):
            wait_for(lambda: _answers(port))
            yield behind.set(port=port).render_as_string(hide_password=False)


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[None]:
    user = owner(folder)
    process = subprocess.Popen(
        command, user=user.pw_uid if user else None, group=user.pw_gid if user else None,
        cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
