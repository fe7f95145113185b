"""`python -m tests.damage --changes 10000`: what became of so many single-byte changes."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.damage.changes import tally

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--changes", type=int, default=10_000)
parser.add_argument("--seed", type=int, default=6)
options = parser.parse_args()
with tempfile.TemporaryDirectory() as folder:
    counts = tally(Path(folder), options.changes, options.seed)
for what, count in sorted(counts.items()):
    print(f"{count:6}  {what}")
missed = sum(count for what, count in counts.items() if what.startswith("MISSED"))
print(f"{options.changes} changes, {missed} missed")
sys.exit(1 if missed else 0)
