"""What differs between two versions of an article: by field, and in texts by sentence and word.

Counters and clocks that a page shows within its text (views, today's date) are left out on both
sides: they are no change that anybody made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from storage.query.folding import fold

_FIELDS = (
    "title", "section", "published_at", "published_raw", "byline_raw", "author", "office", "credit",
)  # fmt: skip
_TEXTS = ("lead", "text")
_FILES = ("images", "attachments")

# A sentence ends at . ! ? … before a space and a capital, and at a line's end: not in TP. Hải
# Dương, nor in 1.950 tỷ.
_END = re.compile(r"((?<!\bTP)(?<!\bTX)(?<!\bTS)[.!?…][\"”)]*)\s+(?=[\"“(–-]*[^\W\d_a-zà-ỹ])")
_COUNTER = re.compile(
    r"(so )?(luot|lan) (xem|doc|truy cap|tai)( trang)? \d[\d ]*"
    r"|(dang|tong so|hom nay|tong) truy cap \d[\d ]*"
    r"|(hom nay )?(thu \w+|chu nhat) (ngay )?\d+ (thang )?\d+ (nam )?\d{4}( \d+ \d+( \d+)?)?"
)

Kind = Literal["replaced", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words of a sentence that was replaced."""

    side: Literal["both", "old", "new"]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs."""

    field: str
    kind: Kind
    old: str | None
    new: str | None
    words: tuple[Piece, ...] = ()
    """Of a sentence that was replaced: what stayed, went and came, in order."""


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What differs between two articles (DESIGN §7), in the order of their fields."""
    found = [one for name in _FIELDS for one in _value(name, old[name], new[name])]
    found += [one for name in _TEXTS for one in text_changes(name, old[name], new[name])]
    for name in _FILES:
        had, has = ([file["url"] for file in side[name]] for side in (old, new))
        found += [Change(name, "removed", url, None) for url in had if url not in has]
        found += [Change(name, "added", None, url) for url in has if url not in had]
    return found


def text_changes(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    """What differs between two texts, sentence by sentence."""
    before, after = sentences(old or ""), sentences(new or "")
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag != "equal":
            yield from _sentences_differ(name, before[a1:a2], after[b1:b2])


def sentences(text: str) -> list[str]:
    """Sentences as printed, without counters and clocks."""
    parts = (part.strip() for part in _END.sub(r"\1\n", text).split("\n"))
    return [part for part in parts if part and not _COUNTER.fullmatch(fold(part))]


def _value(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    if old == new:
        return
    if old is None or new is None:
        yield Change(name, "added" if old is None else "removed", old, new)
    else:
        yield Change(name, "replaced", old, new, _words(old, new))


def _sentences_differ(name: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Sentences that are mostly the same are one that was replaced; the others went and came."""
    rest = list(new)
    for one in old:
        twin = max(rest, key=lambda other: _likeness(one, other), default=None)
        if twin is not None and _likeness(one, twin) >= _SAME_SENTENCE:
            for came in rest[: rest.index(twin)]:
                yield Change(name, "added", None, came)
            del rest[: rest.index(twin) + 1]
            yield Change(name, "replaced", one, twin, _words(one, twin))
        else:
            yield Change(name, "removed", one, None)
    for came in rest:
        yield Change(name, "added", None, came)


_SAME_SENTENCE = 0.5


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(a=one.split(), b=other.split(), autojunk=False).ratio()


def _words(old: str, new: str) -> tuple[Piece, ...]:
    before, after = old.split(), new.split()
    pieces = []
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag == "equal":
            pieces.append(Piece("both", " ".join(before[a1:a2])))
            continue
        if a2 > a1:
            pieces.append(Piece("old", " ".join(before[a1:a2])))
        if b2 > b1:
            pieces.append(Piece("new", " ".join(after[b1:b2])))
    return tuple(pieces)
