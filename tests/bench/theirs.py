"""warcio and trafilatura with metadata over a WARC file: `python tests/bench/theirs.py FILE COUNT`.

It needs both and nothing of ours, so that an environment of its own will do (`make bench-needs`).
Prints records, CPU seconds and seconds.
"""

import sys
import time
from itertools import islice
from pathlib import Path

import trafilatura
from warcio.archiveiterator import ArchiveIterator


def main() -> None:
    """Read the first COUNT records."""
    began, spent, count = time.monotonic(), time.process_time(), 0
    with Path(sys.argv[1]).open("rb") as file:
        for record in islice(ArchiveIterator(file), int(sys.argv[2])):
            trafilatura.bare_extraction(record.content_stream().read(), with_metadata=True)
            count += 1
    print(count, time.process_time() - spent, time.monotonic() - began)


if __name__ == "__main__":
    main()
