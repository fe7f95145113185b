"""Makes one folder of the folders, or backups, of all machines that shared a database:

    python3 gather.py FOLDER MACHINE…

`tinhuyen --archive FOLDER rebuild` then makes its database. WARC files are linked where that can
be done, else copied; manifests and journals become one each, by time. Signatures stay where they
are: each is on its own machine's manifest. With Python 3.9 or newer and nothing else.
"""

import filecmp
import heapq
import json
import os
import shutil
import sys
from pathlib import Path

KEPT = "warc", "donated", "sites"
LISTS = "manifest.jsonl", "journal.jsonl"


def gather(folder, machines):
    folder.mkdir(parents=True)
    for machine in machines:
        for path in sorted(path for name in KEPT for path in (machine / name).rglob("*")):
            if path.is_file() and not path.name.startswith("."):  # locks and the like
                take(path, folder / path.relative_to(machine))
    for name in LISTS:
        with (folder / name).open("wb") as out:
            told = [timed(machine / name) for machine in machines if (machine / name).exists()]
            out.writelines(line for _, line in heapq.merge(*told, key=lambda pair: pair[0]))


def take(path, target):
    """What is there already must be the same: site tables are on every machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if not filecmp.cmp(target, path, shallow=False):
            sys.exit(f"{target} and {path} differ: decide which holds, and make them the same")
        return
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)


def timed(path):
    """Lines with their times; none is told earlier than the one before it. A torn one is left."""
    latest = ""
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        latest = max(latest, told.get("at") or told.get("closed_at") or "")
        yield latest, line if line.endswith(b"\n") else line + b"\n"


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    gather(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
