"""Titles cleaned of damage, and of nothing else: case, tones, quotes and misprints stay.

The order matters: entities, mojibake, letters of legacy encodings (in which the soft hyphen is a
letter), NFC, invisible characters, Đ, white space, and the site's name last.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence

from crawler.normalise.encodings import Repair, find_repair, mend_mojibake
from crawler.normalise.latin import fold_letters

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff]")
"""Invisible characters, and controls: PostgreSQL keeps no NUL."""
_ETH = str.maketrans({"\u00d0": "Đ", "\u00f0": "đ", "\u0189": "Đ", "\u0256": "đ"})
_UNWANTED = re.compile(_UNSEEN.pattern[:-1] + "\u00d0\u00f0\u0189\u0256]")
_SPACES = re.compile(r"\s{2,}|[^\S ]")  # single spaces may stay: most are
_SEPARATORS = re.compile(r"\s*(?:[-–—|»›•~/_]|::|>>?)\s*")
_BREADCRUMB = re.compile(
    r"(?:trang chu|trang nhat|home)\s*(?:(?:>>?|»|›)(?:.*(?:>>?|»|›))?|/(?:.*\s/)?)\s+"
)
_ROUNDS = 2
_MOST_PASSES = 5


def mend_text(raw: str) -> str:
    """A text with encoding damage mended, and nothing else: its spaces stay. NFC."""
    text = mend_mojibake(_undo_entities(raw) if "&" in raw else raw)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if _UNWANTED.search(text):
        text = unicodedata.normalize("NFC", _UNSEEN.sub("", text).translate(_ETH))
    return text


def clean_text(raw: str) -> str:
    """A short text mended, every run of white space in it one space."""
    return _SPACES.sub(" ", mend_text(raw)).strip()


def clean_title(raw: str, *, site_names: Sequence[str] = (), repair: Repair | None = None) -> str:
    """The title as its author meant it: entities undone, damage mended, the site's name off.

    Only what equals one of `site_names` is taken off, at either end behind a separator, and a
    breadcrumb that begins at the home page: a dash is common within titles. `repair` is what the whole page
    was found to need; a title alone tells its encoding only where there is no doubt.
    NFC, trimmed. Idempotent. Raises: nothing.
    """
    return list(title_steps(raw, site_names=site_names, repair=repair))[-1][1]


def title_steps(
    raw: str, *, site_names: Sequence[str] = (), repair: Repair | None = None
) -> Iterator[tuple[str, str]]:
    """Every repair that a title needs and what it makes of it: `raw` first, the title last."""
    names = {fold_letters(clean_text(name)) for name in site_names if name.strip()}
    text = raw
    yield "raw", text
    for _ in range(_MOST_PASSES):  # one repair may lay open another
        before = text
        for name, mended in _steps(text, names, repair):
            if mended != text:
                yield name, mended
            text = mended
        if text == before:
            return


def _steps(text: str, names: set[str], repair: Repair | None) -> Iterator[tuple[str, str]]:
    yield "entities", (text := _undo_entities(text))
    yield "mojibake", (text := mend_mojibake(text))
    repair = repair or find_repair([text])
    yield "legacy letters", (text := repair(text) if repair else text)
    yield "unicode", (text := mend_text(text))
    yield "spaces", (text := clean_text(text))
    while (shorter := _without_name(text, names)) != text:
        yield "site name", (text := shorter)


def _undo_entities(text: str) -> str:
    """Written twice by some editors; without its semicolon `&` is an ordinary sign (`R&D`)."""
    for _ in range(_ROUNDS):
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return text


def _without_name(text: str, names: set[str]) -> str:
    if path := _BREADCRUMB.match(fold_letters(text)):
        return text[path.end() :]
    separators = list(_SEPARATORS.finditer(text))
    for match in separators:
        if fold_letters(text[match.end() :]) in names:
            return text[: match.start()].rstrip()
    for match in reversed(separators):
        if fold_letters(text[: match.start()]) in names:
            return text[match.end() :].lstrip()
    return text
