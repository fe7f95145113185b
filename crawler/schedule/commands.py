"""Commands that are made as jobs, by the same workers as crawls: import, reextract, rescue.

Such a job's mode is its command, as a shell would have it: `import /srv/gift/a.warc.gz --donor …`.
It needs files of the machine that queued it, so a worker of that machine's folder makes it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from storage.archive import Archive
from storage.database.clock import present
from storage.database.jobs import queue_job

VERBS = ("import", "reextract", "rescue")


def words_of(mode: str) -> list[str] | None:
    """The command that a job is to make; None where it is to crawl. Raises nothing."""
    try:
        words = shlex.split(mode)
    except ValueError:  # whoever inserted that row, it was none of us
        return None
    return words if len(words) > 1 and words[0] in VERBS else None


def queue_commands(archive: Archive, commands: Iterable[tuple[str, Sequence[str]]]) -> int:
    """Queue commands, each with the site that it stands under; returns how many are new.

    One that waits or runs already is not queued again. Raises ArchiveFault.
    """
    engine = archive.open_for_writing()
    try:
        with engine.begin() as tx:
            now, here = present(tx), archive.folder.machine
            return sum(
                queue_job(tx, site, shlex.join(words), now, now, bound_to=here)
                for site, words in commands
            )
    finally:
        engine.dispose()
