"""Whether a word is built as a syllable of Vietnamese: initial, vowels, final, at most one tone."""

from __future__ import annotations

import re
import unicodedata

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_INITIALS = "b|ch|c|d|đ|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|qu|q|r|s|th|tr|t|v|x|p"
_VOWELS = """
    a ă â e ê i o ô ơ u ư y ai ao au ay âu ây eo êu ia iê iu iêu yê yêu oa oă oe oi oai oao oay oeo oo ôi ơi
    ua uâ uê ui uô uơ uy ưa ưi ươ ưu uôi uây uya uyê uyu ươi ươu oan
""".split()
_FINALS = "ch|c|m|ng|nh|n|p|t"
_SYLLABLE = re.compile(
    rf"(?:{_INITIALS})?(?:{'|'.join(sorted(_VOWELS, key=len, reverse=True))})(?:{_FINALS})?"
)
_STOPPED = re.compile("(?:ch|c|p|t)$")
_TONE = re.compile(f"[{_TONES}]")


def is_syllable(word: str) -> bool:
    """Whether a word can be Vietnamese; `Đảng` can, `élèves` and `Müller` cannot."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    tones = _TONE.findall(decomposed)
    if len(tones) > 1:
        return False
    if not _SYLLABLE.fullmatch(unicodedata.normalize("NFC", _TONE.sub("", decomposed))):
        return False
    return not (tones and tones[0] in "\u0300\u0303\u0309" and _STOPPED.search(decomposed))
