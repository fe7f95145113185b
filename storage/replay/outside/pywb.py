"""pywb over the archive's own WARC files: started, watched until it answers, and stopped.

It reads the files where they lie and learns from our index server where. It has an origin of its
own, since pages reach what shares theirs (reflected XSS in 2.10.0: webrecorder/pywb issue 923).
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from storage.archive import Archive
from storage.errors import TinHuyenError, UsageError
from storage.replay.outside.index_server import IndexServer
from storage.replay.outside.install import pywb_folder

HOST = "pywb.tinhuyen.localhost"
"""Resolves to loopback in browsers, needs no DNS, and shares no cookie with the reading room."""

_START_SECONDS = 60
_END_SECONDS = 5
_POLL_SECONDS = 0.1
_LOG_CHARS = 2000


@contextmanager
def running(archive: Archive, port: int = 0) -> Iterator[Running]:
    """pywb over an archive, answering; it is gone when the context ends, or this process does.

    `port` 0: one that is free. Raises UsageError (not installed, the port is taken),
    NotFound (no archive), TinHuyenError (it does not start).
    """
    with archive.reading():  # that there is none, or an older one, is said at once
        pass
    with IndexServer(archive) as index, started(_collection(archive, index.url), port) as found:
        yield found


@contextmanager
def started(collection: dict[str, object], port: int = 0) -> Iterator[Running]:
    """pywb over one collection of its configuration. Raises as `running`."""
    environment = pywb_folder()
    port = _free_port(port)
    config = {"collections": {"wayback": collection}, "enable_auto_colls": False}
    with TemporaryDirectory(prefix="tinhuyen-pywb-") as folder:
        (Path(folder) / "config.yaml").write_text(json.dumps(config))  # YAML has JSON in it
        python, wayback = (str(environment / "bin" / name) for name in ("python", "wayback"))
        command = [python, "-I", wayback]  # -I: PYTHON… variables are meant for us
        with _process([*command, "-b", "127.0.0.1", "-p", str(port)], Path(folder)) as process:
            found = Running(process, port, Path(folder) / "log")
            found.wait_until_it_answers()
            yield found


def _collection(archive: Archive, index_url: str) -> dict[str, object]:
    """Where the index is asked, and the folder that its file names are relative to."""
    query = "?url={url}&closest={closest}"
    index = {"type": "cdx", "api_url": index_url + query, "replay_url": ""}
    return {"index": index, "archive_paths": f"{archive.folder.root}/"}


class Running:
    """A pywb that was started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process, self.port, self._log = process, port, log

    @property
    def url(self) -> str:
        """Where to begin; captures are at `…/wayback/<14 digits>/<address>`."""
        return f"http://{HOST}:{self.port}/wayback/"

    def wait_until_it_answers(self) -> None:
        """Raises TinHuyenError if it ends, or does not answer within a minute."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise TinHuyenError(f"pywb does not start:\n{self._last_words()}")
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/wayback/", timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(_POLL_SECONDS)
        raise TinHuyenError(f"pywb does not answer:\n{self._last_words()}")

    def wait(self) -> None:
        """Until it ends, which of itself it does not. Raises TinHuyenError."""
        code = self._process.wait()
        raise TinHuyenError(f"pywb ended with {code}:\n{self._last_words()}")

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-_LOG_CHARS:].strip()


@contextmanager
def _process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the context; the kernel ends it if we are killed (util-linux)."""
    setpriv = shutil.which("setpriv")
    with_us = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [*with_us, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,  # Ctrl-C comes to us alone, and we end it
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port(port: int) -> int:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(f"port {port} cannot be had: {error.strerror}; try another") from error
        return int(listener.getsockname()[1])
