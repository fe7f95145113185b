"""Work that may run away, in a process of its own: so much time, so much memory, no files.

    parent                            child: python -P -m storage.child MODULE SECONDS BYTES
    ask(module, question, …)  ──────> MODULE.answer(question), under limits that it cannot lift
    each answer               <────── one JSON value a line

What a query or a file of strangers does to its process (a bomb, an endless loop, a crash of a
parser) ends that process, and is said.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from storage.errors import RanAway

_FILE_BYTES = 1 << 20  # SQLite's -shm file, if there is none; nothing larger is ever written
_GRACE_SECONDS = 5.0  # the child ends by itself if it can say more by it
_NO_MEMORY = 75  # exit code; sysexits.h calls it EX_TEMPFAIL


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use."""

    seconds: float
    """Of the clock, and of the processor."""
    memory_bytes: int
    """Of address space, its own code included (about 200 MB)."""


def ask(module: str, question: bytes, limits: Limits) -> Iterator[Any]:
    """What `module.answer(question)` yields in a child, as it comes. Raises RanAway.

    The answers before that stand; who stops asking ends the child.
    """
    command = [sys.executable, "-P", "-W", "ignore", "-m", "storage.child", module]
    command += [str(limits.seconds), str(limits.memory_bytes)]
    child = subprocess.Popen(  # noqa: S603 our own interpreter and module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdin is not None and child.stdout is not None
    late = threading.Event()
    timer = threading.Timer(limits.seconds + _GRACE_SECONDS, _end, (child, late))
    timer.start()
    with child:
        try:
            _send(child, question)
            whole = (line for line in child.stdout if line.endswith(b"\n"))  # the last may be cut
            yield from map(json.loads, whole)
            _check(child.wait(), late.is_set(), limits)
        finally:
            timer.cancel()
            child.kill()


def _end(child: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    child.kill()


def _send(child: subprocess.Popen[bytes], question: bytes) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write(question)
        child.stdin.close()
    except BrokenPipeError:  # it died before it had read everything; its exit code says of what
        child.stdin = None


def _check(code: int, late: bool, limits: Limits) -> None:
    if late or code == -signal.SIGXCPU:
        raise RanAway("time", f"it took more than {limits.seconds:g} s")
    if code == _NO_MEMORY:
        raise RanAway("memory", f"it took more than {limits.memory_bytes >> 20:,} MB of memory")
    if code:
        raise RanAway("crash", f"its process ended with {code}")


def main() -> None:
    """The child's life. Limits are set before anything of the question is looked at."""
    name, seconds, memory = sys.argv[1:]
    answer = import_module(name).answer
    cpu = int(float(seconds) + _GRACE_SECONDS) + 1
    for what, most in (
        (resource.RLIMIT_AS, int(memory)),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    try:
        for value in answer(sys.stdin.buffer.read()):
            print(json.dumps(value))
    except (MemoryError, RecursionError):
        sys.exit(_NO_MEMORY)


if __name__ == "__main__":
    main()
