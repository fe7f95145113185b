"""The short form of `make torture`: some kills, and power cut at some boundaries."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("what", ["importing", "rebuilding"])
def test_nothing_given_is_lost_or_there_twice(what: str) -> None:
    """Of `rereading` tests/test_reextract.py has the short form."""
    command = [sys.executable, "-m", f"tests.torture.{what}", "--kills", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("3 kills over"), done.stdout
