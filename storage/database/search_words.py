"""The words that an article is found by, and its place on the shelf.

A word is any of these; none can be mistaken for another:

    huyên5        a word with its tone (the tone key)        in title and text
    _huyen        the same without marks (the plain fold)    in title and text
    t=huyên5      a title's word once more, in both forms
    huyên5+uy3    two words side by side, in both forms      PostgreSQL only
    site=demo     a fact to filter by; d=2023-01-10 and m=2023-01 are the date

The place is a number by which articles stand in order of publication, the undated lowest.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from storage.places.gazetteer import gazetteer
from storage.query.folding import fold_both, tone_key
from storage.query.private_numbers import without_private_numbers

LONGEST_WORD = 240
"""Characters: what is longer is cut, in the index and in queries (a lexeme has 2,046 bytes)."""
_MAX_BYTES = {"title": 4_000, "body": 140_000}
_MAX_WORDS = {"title": 200, "body": 8_000}
"""Of a text, on both databases: a tsvector has 1 MB and 16,383 positions (PostgreSQL manual,
12.11). News is a hundred times shorter."""

_FOLDED = ("section", "author", "office", "credit", "province")
"""Facts that are compared on the tone key; the others as they are."""
UNKNOWN = "unknown"


class Row(NamedTuple):
    """An article's newest reading, and what else it is found by."""

    article: int
    id: str
    site: str
    organ: str
    province: str | None
    """Of the site, as declared."""
    district: str | None
    district_from: str | None
    title: str | None
    lead: str | None
    text: str | None
    section: str | None
    author: str | None
    office: str | None
    credit: str | None
    published_at: str | None
    published_precision: str | None
    published_flags: str
    """JSON, as the next."""
    images: str
    provenance: str

    @property
    def flags(self) -> list[str]:
        """Flags of the date."""
        return list(json.loads(self.published_flags))

    @property
    def province_name(self) -> str | None:
        """The province that its district lay in, else the site's; None if neither is known."""
        return _province(self.district, self.district_from or "") or self.province


@lru_cache(maxsize=4096)
def _province(district: str | None, day: str) -> str | None:
    unit = gazetteer().on(district, day) if district else None
    return gazetteer().province(unit).bare_name if unit else None


def fact(name: str, value: str) -> str:
    """The word that stands for a fact: `fact("author", "Hà Trang")` is `author=ha2_trang`."""
    return f"{name}={_value(name, value)[:LONGEST_WORD]}"


@lru_cache(maxsize=8192)
def _value(name: str, value: str) -> str:
    if name in _FOLDED:
        return "_".join(tone_key(value).split())
    return _PARTING.sub("_", value.lower())


_PARTING = re.compile(r"[^a-z0-9_.\x80-\U0010ffff-]")
"""What parts words for FTS5's ascii tokenizer."""


def facts(row: Row) -> Iterator[str]:
    """Every fact of an article as a word."""
    once = {"site": row.site, "organ": row.organ, "provenance": row.provenance}
    once["precision"] = row.published_precision or UNKNOWN
    once |= {"d": (row.published_at or UNKNOWN)[:10], "m": (row.published_at or UNKNOWN)[:7]}
    known = {name: getattr(row, name) for name in ("author", "office", "credit", "section")}
    known |= {"district": row.district, "province": row.province_name}
    for name, value in (*once.items(), *known.items()):
        if value is not None:
            yield fact(name, value)
    for flag in row.flags:
        yield fact("flag", flag)
    there = known | {"date": row.published_at, "images": json.loads(row.images) or None}
    for name, value in there.items():
        yield fact("lacking" if value is None else "having", name)


def folded(row: Row) -> list[tuple[str, str]]:
    """Title and text, each in both forms; private numbers are left out."""
    body = "\n".join(part for part in (row.lead, row.text) if part)
    return [_fold("title", row.title or ""), _fold("body", body)]


def _fold(what: str, text: str) -> tuple[str, str]:
    if len(text) > _MAX_BYTES[what] // 4:
        text = text.encode()[: _MAX_BYTES[what]].decode(errors="ignore")
    forms = fold_both(without_private_numbers(text))
    limit = _MAX_WORDS[what]
    # Folding makes no word four times as long, and between two words there is a space.
    if len(forms[0]) > limit * 2 or max(map(len, text.split()), default=0) > LONGEST_WORD // 4:
        forms = _cut(forms[0], limit), _cut(forms[1], limit)
    return forms[0], _before_each("_", forms[1])


def _cut(words: str, limit: int) -> str:
    return " ".join(word[:LONGEST_WORD] for word in words.split()[:limit])


def _before_each(sign: str, words: str) -> str:
    """The same words with a sign before each; done on the text, since it is done for every word."""
    return sign + words.replace(" ", f" {sign}") if words else ""


def as_line(row: Row) -> str:
    """All words one behind the other, for FTS5; a bar keeps a phrase within its text."""
    title, body = folded(row)
    parts = [f"{_before_each('t=', title[form])} | {title[form]} | {body[form]}" for form in (0, 1)]
    return " | ".join([*parts, " ".join(facts(row))])


def as_tsvector(row: Row) -> str:
    """Words and positions in PostgreSQL's own notation; both forms of a word at one position."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    alone = set(facts(row))
    start = 1
    for part, forms in enumerate(folded(row)):
        tone, plain = (form.split() for form in forms)
        for position, both in enumerate(zip(tone, plain, strict=True), start):
            for word in both:
                places[word].append(position)
                if part == 0:
                    places[f"t={word}"].append(position)
        for form in (tone, plain):
            alone.update(map("+".join, pairwise(form)))
        start += len(tone) + 1  # the gap keeps a phrase within its text
    placed = (f"'{word}':{','.join(map(str, where))}" for word, where in places.items())
    return " ".join([*placed, *(f"'{word}'" for word in sorted(alone))])


_APART_BITS = 29
LAST_PLACE = (1 << 63) - 1


def first_place(published_at: str | None) -> int:
    """The lowest place of a date, given as far as it is known; 0 for none.

    Of a place's 63 bits 8 are the year since 1899, 4 the month, 5 the day, 17 the second of the
    day (from 1; 0: not known), and 29 keep apart what has the same date.
    """
    if published_at is None:
        return 0
    year, month, day = int(published_at[:4]), published_at[5:7], published_at[8:10]
    date = (min(max(year - 1899, 1), 255) << 9) | (int(month or 0) << 5) | int(day or 0)
    clock = [int(part) for part in published_at[11:19].split(":") if part]
    seconds = 1 + sum(part * 60**power for part, power in zip(clock, (2, 1, 0), strict=False))
    return ((date << 17) | (seconds if clock else 0)) << _APART_BITS


def after(day: str) -> int:
    """The lowest place behind a day, month or year."""
    parts = {4: ("", 1 << 9), 7: ("", 1 << 5), 10: ("", 1)}[len(day)]
    return first_place(day) + (parts[1] << 17 << _APART_BITS)


def wanted_place(published_at: str | None, id_: str) -> int:
    """Where an article would stand: of one date the lowest id has the highest place."""
    most = (1 << _APART_BITS) - 1
    return first_place(published_at) + most - (int(id_[:8], 16) >> 32 - _APART_BITS)


def free_places(wanted: Iterable[int], taken: set[int]) -> list[int]:
    """The wanted places, or the next lower ones where one is taken."""
    taken = set(taken)
    found = []
    for place in wanted:
        while place in taken:
            place -= 1
        taken.add(place)
        found.append(place)
    return found
