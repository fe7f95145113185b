"""The two forms that search compares: the tone key and the plain fold (DESIGN §4).

The tone key keeps every letter (ă â đ ê ô ơ ư) and moves the tone of a syllable to its end, so
that the two spellings of one syllable meet: uỷ and ủy, hoá and hóa, hoạt and the misprint họat.
The plain fold keeps no mark at all, đ included.

Both are idempotent and accept any text. A tone is a digit, so the key of `Á` is that of `A1`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_TONES = {"\u0301": "1", "\u0300": "2", "\u0309": "3", "\u0303": "4", "\u0323": "5"}
_SHAPES = {"\u0302", "\u0306", "\u031b"}  # circumflex, breve, horn: they make other letters
_ETH = str.maketrans({"\u00f0": "đ", "\u00d0": "đ", "\u0189": "đ", "\u0256": "đ", "\u0110": "đ"})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_WORD = re.compile(r"[^\W_]+")
_BASE = str.maketrans("đ", "d")
_CACHED = 32768


def words(text: str) -> list[str]:
    """The words of a text as written: runs of letters and digits, NFC, invisible marks gone."""
    return _WORD.findall(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)))


def tone_key(text: str) -> str:
    """Words with the tone at their end, parted by spaces: `Huyện uỷ` gives `huyên5 uy3`."""
    return _joined(map(_tone_key, text.split()))


def fold(text: str) -> str:
    """Words without any mark, parted by spaces: `Đảng bộ` gives `dang bo`."""
    return _joined(map(_fold, text.split()))


def fold_both(text: str) -> tuple[str, str]:
    """Tone key and plain fold of a text, for hardly more than the price of one."""
    both = list(map(_both, text.split()))
    if not both:
        return "", ""
    keys, folds = zip(*both, strict=True)
    return _joined(keys), _joined(folds)


def has_marks(text: str) -> bool:
    """Whether a text has any Vietnamese mark (đ included): then it is matched on the tone key."""
    return any(_fold_word(word) != word.casefold() for word in words(text))


def _joined(folded: Iterable[str]) -> str:
    return " ".join(filter(None, folded))


# What stands between two spaces repeats within a text and between texts, and its words without
# their commas even more: most is folded once.


@lru_cache(maxsize=_CACHED)
def _both(chunk: str) -> tuple[str, str]:
    return _tone_key(chunk), _fold(chunk)


@lru_cache(maxsize=_CACHED)
def _tone_key(chunk: str) -> str:
    return " ".join(map(_tone_key_word, words(chunk)))


@lru_cache(maxsize=_CACHED)
def _fold(chunk: str) -> str:
    return " ".join(map(_fold_word, words(chunk)))


@lru_cache(maxsize=_CACHED)
def _tone_key_word(word: str) -> str:
    letters, tone = [], ""
    for char in unicodedata.normalize("NFD", word.casefold().translate(_ETH)):
        if char in _TONES:
            tone = _TONES[char]
        elif not unicodedata.combining(char) or char in _SHAPES:
            letters.append(char)
    return unicodedata.normalize("NFC", "".join(letters)) + tone


@lru_cache(maxsize=_CACHED)
def _fold_word(word: str) -> str:
    plain = unicodedata.normalize("NFD", word.casefold().translate(_ETH))
    return "".join(char for char in plain if not unicodedata.combining(char)).translate(_BASE)
