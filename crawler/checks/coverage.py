"""How many articles of a run have a date, a text, an author, an image; and how many had before."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log
from typing import Any

from sqlalchemy import Text, case, cast, func, select

from crawler.checks.look import Look
from crawler.checks.thresholds import (
    COVERAGE_CHANCE,
    COVERAGE_DROP,
    FEWEST_ARTICLES,
    FEWEST_PAST_ARTICLES,
)
from storage.database.schema import capture, reading
from storage.records import Finding

_HAS = {
    "date": reading.c.published_at.is_not(None),
    "body": reading.c.text.is_not(None),
    "author": reading.c.author.is_not(None),
    "images": cast(reading.c.images, Text) != "[]",
}


def check_coverage(look: Look) -> list[Finding]:
    """A finding for each field that many more articles lack than before."""
    now, past = _shares(look, [look.run]), _shares(look, look.past)
    if now.articles < FEWEST_ARTICLES or past.articles < FEWEST_PAST_ARTICLES:
        return []
    return [found for field in _HAS if (found := _compare(field, now, past)) is not None]


def _compare(field: str, now: Any, past: Any) -> Finding | None:
    have, had = getattr(now, field), getattr(past, field)
    share, before = have / now.articles, had / past.articles
    usual = (had + 1) / (past.articles + 2)  # never quite 0 or 1: the past is a sample too
    if before - share < COVERAGE_DROP or chance(have, now.articles, usual) > COVERAGE_CHANCE:
        return None
    return Finding(
        f"{field}_coverage",
        f"{have} of {now.articles} articles have {_NAMES[field]}; before, {had} of {past.articles}",
        {
            "have": have,
            "of": now.articles,
            "share": round(share, 3),
            "had": had,
            "past_of": past.articles,
            "past_share": round(before, 3),
        },
    )


_NAMES = {"date": "a date", "body": "a text", "author": "an author", "images": "an image"}


def _shares(look: Look, runs: Sequence[str]) -> Any:
    """Articles that these runs read, and those of them that had each field in any reading."""
    counts = [
        func.count(case((has, reading.c.article)).distinct()).label(field)
        for field, has in _HAS.items()
    ]
    statement = (
        select(func.count(reading.c.article.distinct()).label("articles"), *counts)
        .join(capture, capture.c.id == reading.c.capture)
        .where(capture.c.run.in_(runs), reading.c.state == "accepted")
    )
    return look.tx.execute(statement).one()


def chance(have: int, of: int, share: float) -> float:
    """How likely at most `have` of `of` are, if each is one with probability `share` (binomial)."""
    return sum(
        exp(
            lgamma(of + 1) - lgamma(k + 1) - lgamma(of - k + 1)
            + k * log(share) + (of - k) * log(1 - share)
        )
        for k in range(have + 1)
    )  # fmt: skip
