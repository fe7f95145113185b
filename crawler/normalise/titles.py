"""Titles cleaned of damage, and of nothing else: case, tones, quotes and misprints stay."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from crawler.normalise.latin import fold_letters

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ETH = str.maketrans({"\u00d0": "Đ", "\u00f0": "đ", "\u0189": "Đ", "\u0256": "đ"})
_SPACES = re.compile(r"\s{2,}|[^\S ]")  # single spaces may stay: most are
_SEPARATORS = re.compile(r"\s+[-–—|»]\s+|\s*(?:>>|»)\s*")


def clean_text(raw: str) -> str:
    """A short text with encoding damage mended and every run of white space one space."""
    text = unicodedata.normalize("NFC", raw).translate(_ETH)
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


def clean_title(raw: str, *, site_names: Sequence[str] = ()) -> str:
    """The title as its author meant it: entities undone (up to twice), the site's name off.

    Only what equals one of `site_names` is taken off, at either end behind a separator: a dash
    is common within titles. Idempotent. Raises: nothing.
    """
    text = clean_text(html.unescape(html.unescape(raw)))
    names = {fold_letters(clean_text(name)) for name in site_names if name.strip()}
    while names:
        shorter = _without_name(text, names)
        if shorter == text:
            break
        text = shorter
    return text


def _without_name(text: str, names: set[str]) -> str:
    separators = list(_SEPARATORS.finditer(text))
    for match in separators:
        if fold_letters(text[match.end() :]) in names:
            return text[: match.start()].rstrip()
    for match in reversed(separators):
        if fold_letters(text[: match.start()]) in names:
            return text[match.end() :].lstrip()
    return text
