"""What people type into a search, taken apart. Any text is a query; none is an error.

    huyện uỷ "thi đua khen thưởng" -"nông thôn mới" site:binhgiang from:2022 to:2023-06

All words must be there, quoted ones together, those behind a minus must not. Words with any mark
are matched on the tone key, words without on the plain fold; a quoted phrase is judged alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from storage.database.search_words import LONGEST_WORD
from storage.query.folding import fold, has_marks, tone_key
from storage.query.synonyms import Words, spellings_at, variants

MAX_WORDS = 64
"""More words than this are not looked for; whoever pastes a page is told so."""

_PART = re.compile(
    r"(?P<minus>(?<!\S)[-−–])?"
    r"(?:[\"“”](?P<quoted>[^\"“”]*)[\"“”]?|(?P<field>site|from|to):(?P<value>[^\s\"“”]+)|(?P<word>[^\s\"“”]+))",
    re.IGNORECASE,
)
_SITE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_DAY = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is looked for, in every spelling."""

    alternatives: tuple[tuple[Words, ...], ...]
    """One of them must be there: all its phrases, each with its words together."""
    toned: bool
    """Matched on the tone key; else on the plain fold."""
    excluded: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A query taken apart."""

    terms: tuple[Term, ...] = ()
    sites: tuple[str, ...] = ()
    since: tuple[str, ...] = ()
    """Days, months or years of publication: not earlier than any."""
    until: tuple[str, ...] = ()
    """Not later than any."""
    notes: tuple[str, ...] = ()
    """What was not understood as it may have been meant, for the person who asked."""

    @property
    def is_empty(self) -> bool:
        """Nothing is asked for."""
        return not (self.terms or self.sites or self.since or self.until)


def is_day(value: str) -> bool:
    """Whether this is a day, month or year: `2022-01-31`, `2022-01`, `2022`."""
    if not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(f"{value}-01-01"[:10] if len(value) < 10 else value)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a query as typed."""

    text: str
    quoted: bool = False
    excluded: bool = False
    field: str | None = None


def read_query(text: str) -> Asked:
    """What a text asks for. Raises: nothing."""
    parts, notes = [], []
    for part in map(_part, _PART.finditer(text)):
        if part.field and not _fits(part):
            notes.append(_NOTES[part.field].format(part.text))
            part = _Part(f"{part.field}:{part.text}", excluded=part.excluded)
        parts.append(part)
    terms, cut = _within_limit(_terms([part for part in parts if part.field is None]))
    if cut:
        notes.append(f"only the first {MAX_WORDS} words were looked for")

    def values(field: str) -> tuple[str, ...]:
        return tuple(part.text for part in parts if part.field == field)

    return Asked(terms, values("site"), values("from"), values("to"), tuple(notes))


_NOTES = {
    "site": "'site:{}' names no site (`tinhuyen sites list` shows ids); taken as words",
    "from": "'from:{}' is no day like 2022-01-31, 2022-01 or 2022; taken as words",
    "to": "'to:{}' is no day like 2022-01-31, 2022-01 or 2022; taken as words",
}


def _part(match: re.Match[str]) -> _Part:
    excluded = match["minus"] is not None
    if match["quoted"] is not None:
        return _Part(match["quoted"], quoted=True, excluded=excluded)
    if match["field"] and not excluded:
        return _Part(match["value"], field=match["field"].lower())
    return _Part(match[0].lstrip("-−–") if excluded else match[0], excluded=excluded)


def _fits(part: _Part) -> bool:
    if part.field == "site":
        return bool(_SITE.fullmatch(part.text))
    return is_day(part.text)


def _terms(parts: list[_Part]) -> Iterator[Term]:
    """Terms in the order typed. The marks of all unquoted words together decide over them."""
    toned = has_marks(" ".join(part.text for part in parts if not part.quoted))
    run: list[str] = []
    for part in parts:
        marked = has_marks(part.text) if part.quoted else toned
        words = tuple(w[:LONGEST_WORD] for w in (tone_key if marked else fold)(part.text).split())
        if len(words) == 1 and not part.quoted and not part.excluded:
            run += words
            continue
        yield from _run_terms(tuple(run), toned)
        run = []
        if words:
            phrases = variants(words[:MAX_WORDS], toned=marked)
            yield Term(tuple((phrase,) for phrase in phrases), marked, part.excluded)
    yield from _run_terms(tuple(run), toned)


def _run_terms(words: Words, toned: bool) -> Iterator[Term]:
    """Unquoted words: each a term, but what has another spelling as a whole is one term."""
    place = 0
    while place < len(words):
        length, (given, *others) = spellings_at(words, place, toned=toned)
        apart = tuple((word,) for word in given)
        yield Term((apart, *((other,) for other in others)), toned, excluded=False)
        place += length


def _within_limit(terms: Iterator[Term]) -> tuple[tuple[Term, ...], bool]:
    kept: list[Term] = []
    words = 0
    for term in terms:
        words += sum(map(len, term.alternatives[0]))
        if words > MAX_WORDS:
            return tuple(kept), True
        kept.append(term)
    return tuple(kept), False
