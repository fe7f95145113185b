"""Text damaged by encodings: UTF-8 read as something else, and letters of the time before Unicode.

TCVN3, VNI, VISCII and cp1258 pages show Latin letters (`HuyÖn uû` for `Huyện uỷ`). Which of them
it is can be told from a whole page, hardly from one short title: so the page's text is asked and
the answer applied to all of its strings. A reading is believed only if nearly every word that it
changes becomes a syllable of Vietnamese, and hardly any was one before. The tables are viparse's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

from crawler.normalise.syllables import is_syllable

Repair = Callable[[str], str]

_VIETNAMESE = re.compile("[ĂăĐđĨĩŨũƠơƯưẠ-ỹ]")
"""Letters that only Vietnamese writes: where one stands, the text is Unicode already."""
_MOJIBAKE = re.compile(
    "[\u00c2-\u00c6\u00e1\u00e2][\u0080-\u00bf\u0152-\u0192\u02c6-\u02dc\u2013-\u2122]"
)
"""What the lead byte of a UTF-8 letter and the byte behind it look like in Latin-1 or cp1252."""
_WORD = re.compile(r"[^\W\d_]*[\u0080-\uffff][^\s\d.,;:!?()\"']*")
_AS_BYTES = {
    ord(bytes([code]).decode("cp1252")): code
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
"""The tables know letters by their byte; browsers read these bytes as windows-1252."""
_SAMPLE_CHARS = 4000
_FEWEST_WORDS = 2
_GOOD, _BAD = 0.9, 0.4
"""Shares of changed words that are syllables: after and, at most, before."""


def mend_mojibake(text: str) -> str:
    """UTF-8 that was read as Latin-1 or cp1252 and written again; other text unchanged."""
    if text.isascii() or not _MOJIBAKE.search(text):
        return text
    from ftfy import fix_encoding

    mended = fix_encoding(text)
    return mended if mended == text or _VIETNAMESE.search(mended) else text


def find_repair(texts: Iterable[str]) -> Repair | None:
    """How a page's strings are to be read; None if they are Unicode, or it cannot be told."""
    sample = ""
    for text in texts:
        if _VIETNAMESE.search(text):
            return None
        if not text.isascii():
            sample += text[:_SAMPLE_CHARS] + "\n"
        if len(sample) > _SAMPLE_CHARS:
            break
    words = list(dict.fromkeys(_WORD.findall(sample)))
    gains = {name: _gain(words, repair) for name, repair in _repairs().items()} if words else {}
    best = max(gains, key=lambda name: gains[name], default=None)
    if best is None or gains[best] == 0 or list(gains.values()).count(gains[best]) > 1:
        return None
    return _repairs()[best]


def _gain(words: list[str], repair: Repair) -> int:
    """How many words a repair makes Vietnamese; 0 if it is not to be believed."""
    changed = [(word, new) for word in words if (new := repair(word)) != word]
    if len(changed) < _FEWEST_WORDS or _share(old for old, _ in changed) > _BAD:
        return 0
    if min(_share(new for _, new in changed), _share(map(repair, words))) < _GOOD:
        return 0
    return sum(is_syllable(new) for _, new in changed)


def _share(words: Iterable[str]) -> float:
    found = [is_syllable(unicodedata.normalize("NFC", word).strip("“”\"'’‘-–")) for word in words]
    return sum(found) / len(found)


@cache
def _repairs() -> dict[str, Repair]:
    """Imported here: hardly a page of this century needs them."""
    from viparse.normalize.encodings import AUTO_DETECT_CHARMAPS
    from viparse.normalize.tables import convert

    def by(name: str) -> Repair:
        return lambda text: convert(text.translate(_AS_BYTES), AUTO_DETECT_CHARMAPS[name])

    return {"cp1258": _from_cp1258} | {name: by(name) for name in AUTO_DETECT_CHARMAPS}


def _from_cp1258(text: str) -> str:
    """Windows-1258 read as windows-1252: tones are letters of their own behind the vowel."""
    read = text.encode("cp1252", "replace").decode("cp1258", "replace")
    return unicodedata.normalize("NFC", read)
