"""The short form of `make torture`: 20 kills, and power cut at some boundaries."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT


def test_nothing_acknowledged_is_lost() -> None:
    command = [sys.executable, "-m", "tests.torture", "--kills", "20", "--cuts", "20"]
    done = subprocess.run(
        [*command, "--every", "20"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"20 kills over \d+ crawls: 0 of [1-9]\d* acknowledged lost", last), last
    assert re.search(r"\d+ power cuts .* 20 random: 0 of [1-9]\d* acknowledged lost", last), last
