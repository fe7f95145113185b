"""CPU time of folding and of what rules find, on a text of 6,700 characters.

    python -m tests.bench.folding

Best of five rounds, in milliseconds a text; cold is the first time that a process folds it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from crawler.normalise.places import read_district
from storage.query.asked import read_query
from storage.query.folding import fold_both
from storage.query.persons import officials
from storage.query.private_numbers import without_private_numbers
from tests.conftest import ROOT

_CHARS = 6_700
_ROUNDS = 5
_CALLS = 300


def main() -> None:
    """Print one line a measure."""
    seed = (ROOT / "crawler/demo/seed_article.txt").read_text(encoding="utf-8")
    text = (seed + seed)[:_CHARS]
    show("fold_both, cold", milliseconds(lambda: fold_both(text), rounds=1, calls=1))
    measures: dict[str, Callable[[], object]] = {
        "fold_both, warm": lambda: fold_both(text),
        "without_private_numbers": lambda: without_private_numbers(text),
        "officials": lambda: list(officials(text)),
        "read_district (a lead)": lambda: read_district(office=None, title=None, lead=text[:300]),
        "read_query (five words)": lambda: read_query("UBND huyện Bình Giang tỷ lệ"),
    }
    for name, measure in measures.items():
        measure()  # gazetteer and caches
        show(name, milliseconds(measure))


def milliseconds(call: Callable[[], object], rounds: int = _ROUNDS, calls: int = _CALLS) -> float:
    """CPU time of one call, best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, (time.process_time() - begun) / calls)
    return best * 1000


def show(name: str, value: float) -> None:
    """One line."""
    sys.stdout.write(f"{name:<26}{value:8.3f} ms\n")


if __name__ == "__main__":
    main()
