"""`python -m tests.torture --kills 1000 --cuts 1000`: the last line says it in numbers."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.torture.kills import torture


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=1000, help="SIGKILLs at random moments")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        killed = torture(Path(folder), given.kills, given.seed)
    for name, words in vars(killed.findings).items():
        for word in words:
            print(f"{name}: {word}")
    print(killed.line())
    return 1 if killed.findings else 0


if __name__ == "__main__":
    sys.exit(main())
