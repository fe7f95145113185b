"""A command measured from outside: its time, the CPU time and the memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took, its processes together."""

    seconds: float
    cpu_seconds: float
    """User and system."""
    peak_mb: float
    """Resident; pages that processes share count for each of them."""
    processes: int
    """At most at the same time."""


def measure(arguments: list[str], archive: Path) -> Measured:
    """Run `tinhuyen` with these arguments on an archive, to a good end."""
    command = [sys.executable, "-c", "from crawler.cli import main; main()", *arguments]
    environment = os.environ | {"TINHUYEN_ARCHIVE": str(archive)}
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak, most, ended = 0.0, 0, 0
    while not ended:
        sizes = [resident_mb(pid) for pid in _family(process.pid)]
        peak, most = max(peak, sum(sizes)), max(most, len(sizes))
        time.sleep(_EVERY_SECONDS)
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return Measured(time.monotonic() - began, used.ru_utime + used.ru_stime, peak, most)


def resident_mb(pid: int) -> float:
    """What a process holds in memory; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def _family(pid: int) -> list[int]:
    """A process and those that it began, and so on."""
    found = [pid]
    for one in found:
        try:
            tasks = list(Path(f"/proc/{one}/task").glob("*/children"))
            found += [int(child) for task in tasks for child in task.read_text().split()]
        except OSError:
            continue
    return found
