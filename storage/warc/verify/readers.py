"""Two independent readers, warcio and FastWARC, over the same file: do they see what we see?

What they are known to see otherwise is no disagreement: warcio takes a damaged tail for the end,
both take payload digests over chunked bodies, FastWARC reads no folded fields. So digests of
blocks and the sequence of records are compared, and only up to where we ourselves saw a frame
that readers may differ about.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from itertools import zip_longest

from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.exceptions import ArchiveLoadFailed

from storage.store.file import OpenFile, WarcFile
from storage.warc.verify.rules import Flaw, Rule

Seen = tuple[str, bool | None]
"""A record as a reader sees it: its id, and whether its block digest holds (None: not checked)."""

_DIFFER_ABOUT = {
    Rule.EMPTY_FILE, Rule.NOT_WARC, Rule.TORN_TAIL, Rule.BAD_GZIP, Rule.GARBAGE_BETWEEN,
    Rule.TRAILING_GARBAGE, Rule.ONE_GZIP_STREAM, Rule.EMPTY_MEMBER, Rule.LENGTH_LIES,
    Rule.NO_RECORD_END, Rule.SHORT_END, Rule.BAD_HEADER, Rule.BARE_LF,
    Rule.BAD_VERSION, Rule.MISSING_FIELD, Rule.BAD_FIELD, Rule.FOLDED_FIELD,
    Rule.REPEATED_FIELD, Rule.UNKNOWN_TYPE, Rule.UNKNOWN_DIGEST,
}  # fmt: skip


_WHAT_WARCIO_RAISES = (
    ArchiveLoadFailed, ValueError, TypeError, LookupError, AttributeError, EOFError, zlib.error,
)  # fmt: skip
"""Seen over damaged files; it checks little before it works."""


def compare_readers(
    path: WarcFile, open_file: OpenFile, ours: list[tuple[int, Seen]], flaws: list[Flaw]
) -> Iterator[Flaw]:
    """Where a reader sees another record than we, if no flaw of ours explains it.

    `ours`: offset of each record, and what we see. Raises OSError.
    """
    explained = min((f.offset for f in flaws if f.rule in _DIFFER_ABOUT), default=None)
    for name, read in (("warcio", _read_by_warcio), ("FastWARC", _read_by_fastwarc)):
        for mine, theirs in zip_longest(ours, read(path, open_file)):
            if explained is not None and (mine is None or mine[0] >= explained):
                break
            if not _same(mine, theirs):
                offset = mine[0] if mine else (ours[-1][0] if ours else 0)
                yield Flaw(offset, Rule.READERS_DISAGREE, f"{name}: {_said(mine, theirs)}")
                break


def _same(mine: tuple[int, Seen] | None, theirs: Seen | str | None) -> bool:
    if mine is None or theirs is None or isinstance(theirs, str):
        return False
    (id_, holds), (their_id, they_say) = mine[1], theirs
    return id_ == their_id and (None in (holds, they_say) or holds == they_say)


def _said(mine: tuple[int, Seen] | None, theirs: Seen | str | None) -> str:
    if isinstance(theirs, str):
        return theirs
    if mine is None:
        return f"it reads a further record {theirs and theirs[0]}"
    if theirs is None:
        return f"it ends before the record {mine[1][0]}"
    if mine[1][0] != theirs[0]:
        return f"it reads {theirs[0]} where {mine[1][0]} stands"
    return f"the block digest of {theirs[0]} {'holds' if theirs[1] else 'does not hold'} for it"


def _read_by_warcio(path: WarcFile, open_file: OpenFile) -> list[Seen | str]:
    seen: list[Seen | str] = []
    with open_file(path) as file, _quiet():
        try:
            for record in WarcioIterator(file, no_record_parse=True, check_digests=True):
                record.raw_stream.read()
                checker = record.digest_checker  # it looks at no digest of a revisit
                wrong = any("block" in problem for problem in checker.problems)
                holds = None if checker.passed is None else not wrong
                seen.append((record.rec_headers.get_header("WARC-Record-ID") or "", holds))
        except _WHAT_WARCIO_RAISES as error:
            seen.append(" ".join(str(error).split())[:120])
    return seen


@contextmanager
def _quiet() -> Iterator[None]:
    """It prints what strays; we say so ourselves."""
    logger = logging.getLogger("warcio.recordloader")
    before, logger.disabled = logger.disabled, True
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logger.disabled = before


def _read_by_fastwarc(path: WarcFile, open_file: OpenFile) -> list[Seen | str]:
    seen: list[Seen | str] = []
    with open_file(path) as file:
        try:
            for record in ArchiveIterator(file, WarcRecordType.any_type, parse_http=False):
                record.freeze()
                has = "WARC-Block-Digest" in record.headers
                holds = record.verify_block_digest() if has else None
                seen.append((record.headers.get("WARC-Record-ID") or "", holds))
        except (OSError, ValueError) as error:  # its own errors are OSErrors without a number
            if isinstance(error, OSError) and error.errno is not None:
                raise
            seen.append(" ".join(str(error).split())[:120])
    return seen
