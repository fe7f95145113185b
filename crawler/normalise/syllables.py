"""Whether a word is built as a syllable of Vietnamese: initial, vowels, final, at most one tone."""

from __future__ import annotations

import re
import unicodedata

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_INITIALS = "b|ch|c|d|đ|gh|gi|g|h|kh|k|l|m|ngh|ng|nh|n|ph|qu|q|r|s|th|tr|t|v|x|p"
_OPEN = """
    ai ao au ay âu ây eo êu ia iêu yêu iu oai oao oay oeo oi ôi ơi ua ưa ui ưi uôi uây uơ uya uyu ươi ươu ưu
""".split()
"""Vowels that end a syllable."""
_CLOSED = "ă â iê oă oo uâ uô ươ uyê yê".split()
"""Vowels that a consonant has to follow."""
_EITHER = "a e ê i o ô ơ u ư y oa oe uê uy".split()
_FINALS = "(?:ch|c|m|ng|nh|n|p|t)"
_SYLLABLE = re.compile(
    rf"(?:{_INITIALS})?(?:(?:{'|'.join(_OPEN)})|(?:{'|'.join(_CLOSED)}){_FINALS}|(?:{'|'.join(_EITHER)}){_FINALS}?)"
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
