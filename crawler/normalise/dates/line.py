"""A string made ready for the grammar: repaired, composed, and folded letter by letter."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass

from crawler.normalise.latin import fold_letters

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_UNTIL = re.compile("tới", re.IGNORECASE)  # folded it would be `tối`, the evening
_DIGIT = re.compile("[0-9]")


@dataclass(frozen=True, slots=True)
class Line:
    """A string in two forms of equal length: positions in one are positions in the other."""

    shown: str
    """NFC, nothing invisible."""
    folded: str
    """Lower case, no marks, ASCII as far as it goes."""

    @classmethod
    def of(cls, raw: str) -> Line:
        """A raw string; HTML entities in it are undone."""
        text = html.unescape(raw) if "&" in raw else raw
        if not text.isascii():
            text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
            text = _UNTIL.sub("đến", text)
        return cls(text, fold_letters(text))

    @property
    def has_digit(self) -> bool:
        """Whether any ASCII digit stands in it."""
        return _DIGIT.search(self.folded) is not None

    def says(self, start: int, *words: str) -> bool:
        """Whether one of these words stands at a position, with its marks, or without any.

        `năm` and `tháng` are years and months; `Nam` and `thắng`, folded alike, are not.
        """
        end = start + len(words[0])
        return self.shown[start:end].lower() in words
