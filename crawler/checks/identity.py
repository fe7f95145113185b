"""Whether it is still the same site: its language, the shape of its pages, its known articles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from crawler.checks.fronts import Front, compare_fronts
from crawler.checks.look import Look, ReadRecord
from crawler.checks.thresholds import (
    FEWEST_ARTICLES,
    LOST_FEWEST,
    LOST_SHARE,
    RECORDS_SHOWN,
    SHAPE_ALIKE,
    VIETNAMESE_BEFORE,
    VIETNAMESE_NOW,
    VIETNAMESE_WORDS,
)
from crawler.normalise.syllables import is_syllable
from storage.database.schema import capture, failure, reading
from storage.records import Finding

_WORD = re.compile(r"[^\W\d_]+")
_TITLES = 500
_OTHER_SCRIPT = 0x1EFF
"""The last code point of Vietnamese letters; letters behind it are of other scripts."""


def check_identity(look: Look, read: ReadRecord) -> list[Finding]:
    """Findings that say that this may be another site."""
    if not look.past:
        return []
    fronts = compare_fronts(look, read)
    return [*_language(look, fronts), *_template(look, fronts)]


def is_vietnamese(text: str) -> bool | None:
    """Whether a text is; None if it has too few words to tell."""
    if sum(char.isalpha() and ord(char) > _OTHER_SCRIPT for char in text) >= FEWEST_ARTICLES:
        return False
    words = _WORD.findall(text)
    if len(words) < FEWEST_ARTICLES:
        return None
    marked = sum(not word.isascii() and is_syllable(word) for word in words)
    return marked >= VIETNAMESE_WORDS * len(words)


def _language(look: Look, fronts: list[tuple[Front, Front]]) -> Iterator[Finding]:
    now, past = _titles(look, [look.run]), _titles(look, look.past)
    share, before = _share(now), _share(past)
    of_titles = len(now) >= FEWEST_ARTICLES and len(past) >= FEWEST_ARTICLES
    turned = [new for old, new in fronts if _turned(old, new)]
    numbers = {"share": share, "past_share": before, "titles": len(now), "lists": len(turned)}
    records = [new.record_id for new in turned]
    records += [record for record, vietnamese in now.items() if not vietnamese]
    if of_titles and before >= VIETNAMESE_BEFORE and share <= VIETNAMESE_NOW:
        message = f"{share:.0%} of {len(now)} titles are Vietnamese; before, {before:.0%}"
    elif turned and len(turned) == len(fronts):
        message = f"the declared list is not Vietnamese any more: {turned[0].title or 'no title'!r}"
    else:
        return
    yield Finding("language", message, numbers, tuple(records[:RECORDS_SHOWN]), pauses=True)


def _turned(old: Front, new: Front) -> bool:
    return is_vietnamese(old.text) is True and is_vietnamese(new.text) is False


def _titles(look: Look, runs: tuple[str, ...] | list[str]) -> dict[str, bool]:
    """By record, whether the title of an article is Vietnamese: of the newest some, each title once
    and only if it has enough words to tell."""
    statement = (
        select(reading.c.title, capture.c.record_id)
        .join(capture, capture.c.id == reading.c.capture)
        .where(capture.c.run.in_(runs), reading.c.state == "accepted", reading.c.title.is_not(None))
        .order_by(capture.c.fetched_at.desc(), capture.c.record_id)
        .limit(_TITLES)
    )
    titles = {title: record for title, record in look.tx.execute(statement)}
    judged = {record: is_vietnamese(title) for title, record in titles.items()}
    return {record: one for record, one in judged.items() if one is not None}


def _share(judged: dict[str, bool]) -> float:
    return round(sum(judged.values()) / len(judged), 3) if judged else 0.0


@dataclass(frozen=True, slots=True)
class _Known:
    """Articles of the past whose pages came whole again."""

    fetched: int
    lost: int
    """Nothing reads them any more."""
    other: int
    """They are read, by the same code, as something else than before."""
    records: tuple[str, ...]
    """Of some that are lost."""


def _template(look: Look, fronts: list[tuple[Front, Front]]) -> Iterator[Finding]:
    """No layout reads the site any more, or its pages have another shape.

    Pages of another shape that are read as before are a new dress, and do not pause it.
    """
    known = _known_articles(look)
    alike = [old.alike(new) for old, new in fronts]
    reshaped = bool(alike) and max(alike) < SHAPE_ALIKE
    enough = known.fetched >= LOST_FEWEST
    unread = enough and known.lost >= LOST_SHARE * known.fetched
    mixed = enough and reshaped and known.lost + known.other >= LOST_SHARE * known.fetched
    if not (reshaped or unread):
        return
    shape = f"the lists share {max(alike):.0%} of their markup with before" if reshaped else ""
    lost = f"{known.lost} of {known.fetched} known articles are not read any more"
    other = f", {known.other} read as something else" if known.other else ""
    yield Finding(
        "template",
        "; ".join(part for part in (shape, lost + other) if part),
        {
            "alike": round(max(alike), 3) if alike else None,
            "known": known.fetched,
            "lost": known.lost,
            "other": known.other,
        },
        (*(new.record_id for _, new in fronts), *known.records)[:RECORDS_SHOWN],
        pauses=unread or mixed,
    )


def _known_articles(look: Look) -> _Known:
    before: dict[str, tuple[str, str]] = {}
    past = (
        select(capture.c.url, reading.c.extractor, reading.c.content_digest)
        .join(reading, reading.c.capture == capture.c.id)
        .where(
            capture.c.site == look.site.id,
            capture.c.url.in_(select(capture.c.url).where(capture.c.run == look.run)),
            capture.c.run.in_(look.past),
            reading.c.state == "accepted",
        )
        .order_by(capture.c.fetched_at)
    )
    for url, *how in look.tx.execute(past):
        before[url] = (how[0], how[1])
    lost, other, fetched = [], 0, 0
    for url, record, *how in _pages_now(look):
        if url in before:
            fetched += 1
            other += how[0] == before[url][0] and how[1] != before[url][1]
            if how[0] is None:
                lost.append(record)
    return _Known(fetched, len(lost), other, tuple(lost[:RECORDS_SHOWN]))


def _pages_now(look: Look) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Pages that came whole, and how each was read; what failed has a reason of its own."""
    why = select(failure.c.id).where(
        failure.c.capture == capture.c.id, failure.c.kind.not_in(("no_title", "no_text"))
    )
    statement = (
        select(capture.c.url, capture.c.record_id, reading.c.extractor, reading.c.content_digest)
        .outerjoin(reading, reading.c.capture == capture.c.id)
        .where(
            capture.c.run == look.run,
            capture.c.status == 200,
            capture.c.mime.like("%html%"),
            capture.c.truncated.is_(None),
            ~why.exists(),
        )
        .order_by(capture.c.fetched_at, capture.c.record_id)
    )
    yield from look.tx.execute(statement)
