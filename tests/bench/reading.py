"""How fast dates and pages are read: `python -m tests.bench.reading [FOLDER]`.

CPU time of one core, the best of several rounds. FOLDER is SHARED_DATA; without it, the tests' own
forms and layouts are read. The ratio to trafilatura (with metadata, which is what finds its date)
is printed where it is installed: `pip install trafilatura lxml_html_clean`; it is no dependency.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from crawler.normalise import normalise
from crawler.normalise.dates import read_date
from crawler.read import read_page
from storage.query.folding import fold_both
from tests.layouts import LAYOUTS
from tests.pages import CAPTURED, capture_of, site_of
from tests.test_dates import rows

_ROUNDS = 7
_PAGE_BYTES = 40_000


def best_seconds(work: Callable[[], object]) -> float:
    """The least CPU time that a round took, in seconds."""
    taken = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def forms(folder: Path | None) -> list[str]:
    if folder is None:
        return [raw for raw, _, _ in rows()]
    with (folder / "dates.tsv").open(encoding="utf-8") as file:
        return [row["raw"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def pages(folder: Path | None) -> dict[str, list[bytes]]:
    """Pages by the family that reads them."""
    made = [layout.html.encode() for layout in LAYOUTS]
    if folder is None:
        return {"plain": made}
    saved = sorted((folder / "nukeviet" / "articles").glob("*.html"))
    real = [body for path in saved if (body := path.read_bytes())]
    return {"nukeviet": real, "plain": real, "party_sharepoint": made}


def bench_dates(raws: list[str]) -> None:
    seconds = best_seconds(lambda: [read_date(raw, fetched_at=CAPTURED) for raw in raws * 20])
    print(f"read_date            {20 * len(raws) / seconds:>9,.0f} calls/s over {len(raws)} forms")


def bench_pages(family: str, bodies: Sequence[bytes]) -> None:
    site = site_of(family)
    captures = [capture_of(body) for body in bodies]
    size = sum(map(len, bodies)) / len(bodies)
    read = best_seconds(lambda: [normalise(read_page(one, site)) for one in captures])
    each = read / len(bodies) * 1000
    texts = [normalise(read_page(one, site)).text or "" for one in captures]
    folds = best_seconds(lambda: [fold_both(text) for text in texts]) / len(texts) * 1000
    print(
        f"{family:<20} {each:>9.2f} ms a page of {size / 1000:.0f} kB: "
        f"{each * _PAGE_BYTES / size:.2f} ms for 40 kB; both folds of its text {folds:.2f} ms"
    )
    bench_trafilatura(bodies, read)


def bench_trafilatura(bodies: Sequence[bytes], ours: float) -> None:
    try:
        import trafilatura
    except ImportError as error:
        print(f"  trafilatura is not measured: {error}")
        return
    theirs = best_seconds(
        lambda: [trafilatura.bare_extraction(body, with_metadata=True) for body in bodies]
    )
    print(
        f"  trafilatura with metadata: {theirs / len(bodies) * 1000:.1f} ms a page, {theirs / ours:.0f} times as long"
    )


if __name__ == "__main__":
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SHARED_DATA")
    data = Path(named) if named else None
    bench_dates(forms(data))
    for name, found in pages(data).items():
        bench_pages(name, found)
