"""`python -m tests.torture --kills 1000 --cuts 1000`: the last line says it in numbers."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.torture import kills, power


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=1000, help="SIGKILLs at random moments")
    arguments.add_argument("--cuts", type=int, default=1000, help="random power cuts")
    arguments.add_argument("--every", type=int, default=1, help="enumerate each so many-th cut")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        cut = power.torture(Path(folder) / "power", given.cuts, given.seed, every=given.every)
        print(cut.line(), flush=True)
        killed = kills.torture(Path(folder) / "kills", given.kills, given.seed)
    for findings in (killed.findings, cut.findings):
        for name, words in vars(findings).items():
            for word in words:
                print(f"{name}: {word}")
    print(f"{killed.line()}; {cut.line()}")
    return 1 if killed.findings or cut.findings else 0


if __name__ == "__main__":
    sys.exit(main())
