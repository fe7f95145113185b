"""Does the interval hold the truth? `python -m tests.bench.coverage` asks 1,000 simulated portals.

A portal is drawn at random: 200 to 20,000 articles, two to five sources that each see 5 to 95 % of
them, popularity that matters not at all or much. A third of the portals have sources that are
independent but for that; in a third one source follows another; in a third one saw only a span
of the portal's life. The estimator knows neither of the last two.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from crawler.coverage.estimate import Vector, estimate

KINDS = ("independent", "one follows another", "one saw a span only")
AIM = (0.93, 0.97)


def portal(random: np.random.Generator, kind: str) -> tuple[int, Vector]:
    """How many articles there are, and how many each set of sources saw."""
    size = int(np.exp(random.uniform(np.log(200), np.log(20_000))))
    sources, spread = int(random.integers(2, 6)), abs(random.normal())
    popularity, reach = random.standard_normal(size), random.uniform(0.05, 0.95, sources)
    logits = np.log(reach / (1 - reach)) * np.sqrt(1 + spread**2 / 2.9)
    chance = 1 / (1 + np.exp(-(logits[:, None] + spread * popularity)))
    saw = random.random((sources, size)) < chance
    one, other = random.permutation(sources)[:2]
    if kind == KINDS[1]:
        saw[one] |= saw[other] & (random.random(size) < random.uniform(0, 0.5))
    if kind == KINDS[2]:
        begin, place = random.uniform(0, 0.5), np.arange(size) / size
        saw[one] &= (place >= begin) & (place <= begin + random.uniform(0.3, 0.5))
    patterns = (saw * (2 ** np.arange(sources))[:, None]).sum(0)
    return size, np.bincount(patterns, minlength=2**sources).astype(float)


def calibrate(portals: int, seed: int) -> Iterator[tuple[str, int, bool, float]]:
    """Kind, sources, whether the interval holds the truth, and its width in shares of the seen."""
    random = np.random.default_rng(seed)
    for number in range(portals):
        kind = KINDS[number % len(KINDS)]
        size, counts = portal(random, kind)
        found = estimate(counts)
        if found is None:  # nobody saw anything
            continue
        width = (found.high - found.low) / found.seen
        yield kind, len(counts).bit_length() - 1, found.low <= size <= found.high, width


def main() -> None:
    """Print how often the truth lies within, in all and by kind and number of sources."""
    portals, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 1
    held, asked, widths = Counter[str](), Counter[str](), []
    for kind, sources, holds, width in calibrate(portals, seed):
        for group in ("all", kind, f"{sources} sources"):
            asked[group] += 1
            held[group] += holds
        widths.append(width)
    for group in sorted(asked):
        print(f"{group:<22} {held[group] / asked[group]:6.1%} of {asked[group]}")
    print(
        f"median width: {np.median(widths):.0%} of what was seen; aim {AIM[0]:.0%} to {AIM[1]:.0%}"
    )


if __name__ == "__main__":
    main()
