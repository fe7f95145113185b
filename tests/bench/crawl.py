"""`make bench`: the same static site fetched several ways, in one run on one machine.

(a) Scrapy doing nothing but download, addresses given, same settings: all its middlewares off;
(d) the same with the middlewares that Scrapy has by default;
(b) wget -r --warc-file;
(c) our whole chain: links, WARC, reading, images, database, search index.
Prints pages/s, CPU ms a page, and the ratios c/a, c/d and c/b.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.site import PAGES, addresses, write_site

_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; keepalive_requests 100000; client_body_temp_path {folder}/tmp;
  types {{ text/html html; image/jpeg jpg; }}
  server {{ listen 127.0.0.1:{port}; root {folder}/site; }} }}
"""
_SITE = """
[[site]]
id = "bench"
name = "Bench"
organ = "other"
listings = ["{url}/vi/news/"]
layouts = [{{ family = "nukeviet" }}]
delay_seconds = 0
allow_addresses = ["127.0.0.0/8"]
"""


@dataclass(frozen=True)
class Measured:
    """One way of fetching, measured."""

    name: str
    pages: int
    seconds: float
    cpu_seconds: float

    @property
    def speed(self) -> float:
        return self.pages / self.seconds

    def line(self) -> str:
        cpu = self.cpu_seconds / self.pages * 1000
        return f"{self.name:<42} {self.speed:8.1f} pages/s  {cpu:7.2f} ms CPU a page"


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port))
    server = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("nginx did not start")


def _measure(name: str, pages: int, command: list[str], **more: object) -> Measured:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, **more)  # type: ignore[call-overload]
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 8):  # 8: wget met a 404 (robots.txt)
        raise SystemExit(f"{name} failed: {done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(name, pages, seconds, cpu)


def _scrapy(url: str, pages: int, folder: Path, *options: str) -> Measured:
    given = folder / "addresses.txt"
    given.write_text("\n".join(url + path for path in addresses(pages)))
    command = [sys.executable, "-m", "tests.bench.only_download", str(given), *options]
    name = "(d) Scrapy, download only, middlewares" if options else "(a) Scrapy, download only"
    return _measure(name, pages, command)


def _wget(url: str, pages: int, folder: Path) -> Measured:
    target = folder / "wget"
    target.mkdir()
    command = [
        "wget",
        "-q",
        "-r",
        "-l",
        "inf",
        "--warc-file",
        str(folder / "wget-warc"),
        f"{url}/vi/news/",
    ]
    return _measure("(b) wget -r --warc-file", pages, command, cwd=target)


def _ours(url: str, pages: int, folder: Path, profile: Path | None) -> Measured:
    archive = folder / "archive"
    (archive / "sites").mkdir(parents=True)
    (archive / "sites" / "bench.toml").write_text(_SITE.format(url=url))
    environment = os.environ | {
        "TINHUYEN_ARCHIVE": str(archive),
        "SCRAPY_SETTINGS_MODULE": "crawler.settings",
    }
    command = [sys.executable, "-m", "scrapy", "crawl", "bench", "-s", "LOG_LEVEL=ERROR"]
    if profile is not None:
        command = ["py-spy", "record", "-r", "200", "-f", "raw", "-o", str(profile), "--", *command]
    measured = _measure("(c) tinhuyen, the whole chain", pages, command, env=environment)
    _check(archive, pages)
    return measured


def _check(archive: Path, pages: int) -> None:
    """A fast crawl that lost something is no result."""
    from storage.archive import Archive

    [run] = Archive(archive).runs()
    if run["counts"]["articles"] != pages or run["counts"]["images"] != 3 * pages:
        raise SystemExit(f"the crawl is not complete: {run['counts']}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--only", default="adbc", help="which of a, d, b, c")
    parser.add_argument("--profile", type=Path, help="write a py-spy profile of c there")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tinhuyen-bench-"))
    folder.chmod(0o755)  # nginx may serve as another user
    try:
        write_site(folder / "site", arguments.pages)
        with _served(folder) as url:
            measured = {}
            if "a" in arguments.only:
                measured["a"] = _scrapy(url, arguments.pages, folder)
            if "d" in arguments.only:
                measured["d"] = _scrapy(url, arguments.pages, folder, "--middlewares")
            if "b" in arguments.only:
                measured["b"] = _wget(url, arguments.pages, folder)
            if "c" in arguments.only:
                measured["c"] = _ours(url, arguments.pages, folder, arguments.profile)
        for one in measured.values():
            print(one.line())
        for other in "adb":
            if other in measured and "c" in measured:
                print(f"c/{other} = {measured['c'].speed / measured[other].speed:.2f}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
