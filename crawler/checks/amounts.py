"""How much a run brought, against what the site used to give: articles, silence, requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select

from crawler.checks.look import Look
from crawler.checks.thresholds import (
    LOST_FEWEST,
    QUIET_FEWEST_DAYS,
    QUIET_GAPS,
    QUIET_RHYTHM_DAYS,
    QUIET_SHORTEST_DAYS,
    REQUESTS_FACTOR,
    REQUESTS_SURPLUS,
)
from storage import times
from storage.database.articles import count_articles
from storage.database.schedules import publication_days
from storage.database.schema import article, capture, frontier, reading, run
from storage.records import Finding

_MOST_A_DAY = 20
"""Articles a day that are looked at for the rhythm."""


def check_articles(look: Look) -> Iterator[Finding]:
    """Not one article was read: in a full crawl, or in an update that asked for some."""
    asked, known = _asked(look), count_articles(look.tx, look.site.id)
    if _read(look, look.run) or (look.mode != "full" and asked < LOST_FEWEST):
        return
    numbers = {"articles": 0, "asked": asked, "known": known}
    if known:
        message = f"not one article was read; the archive has {known} of this site"
    else:
        message = "not one article was found on the pages fetched"
    yield Finding("no_articles", message, numbers)


def _asked(look: Look) -> int:
    """Addresses of articles that the run fetched or failed at."""
    rows = select(func.count()).where(
        frontier.c.site == look.site.id,
        frontier.c.role == "article",
        frontier.c.state.in_(("done", "failed")),
    )
    return _number(look, rows)


def _read(look: Look, run_id: str) -> int:
    rows = (
        select(func.count(reading.c.article.distinct()))
        .join(capture, capture.c.id == reading.c.capture)
        .where(capture.c.run == run_id)
    )
    return _number(look, rows)


def check_quiet(look: Look) -> Iterator[Finding]:
    """Nothing published for much longer than it used to take, on a site that did publish when it
    was first crawled: one that had fallen silent before is no news."""
    days = _days(look)
    if len(days) < QUIET_FEWEST_DAYS:
        return
    longest = max((later - earlier).days for later, earlier in pairwise(days))
    bound = max(QUIET_SHORTEST_DAYS, QUIET_GAPS * longest)
    quiet, quiet_at_first = (look.day - days[0]).days, (_first_day(look) - days[0]).days
    if quiet > bound >= quiet_at_first:
        yield Finding(
            "quiet",
            f"nothing new for {quiet} days, since {days[0]}; before, never for more than {longest}",
            {"days": quiet, "since": str(days[0]), "longest_gap_days": longest, "bound": bound},
        )


def _days(look: Look) -> list[date]:
    """The newest days of publication, newest first; those yet to come are mistakes."""
    found = publication_days(look.tx, look.site.id, QUIET_RHYTHM_DAYS * _MOST_A_DAY)
    days = [date.fromisoformat(day) for day in dict.fromkeys(found)]
    return [day for day in days if day <= look.day][:QUIET_RHYTHM_DAYS]


def _first_day(look: Look) -> date:
    first = select(func.min(run.c.started_at)).where(run.c.site == look.site.id)
    started = times.parse_utc(look.tx.execute(first).scalar_one())
    return started.astimezone(times.LOCAL).date()


def check_requests(look: Look) -> Iterator[Finding]:
    """Far more requests an article than in any run of this mode before.

    Counted over the articles read, new ones and those looked at again: over new ones alone, an
    update that finds nothing new would look as bad as a trap.
    """
    past = [_cost(counts) for counts in _past_counts(look)]
    if not past:
        return
    requests = _number(look, select(func.count()).where(capture.c.run == look.run))
    articles, worst = _read(look, look.run), max(past)
    most = worst * (articles + 1)
    if requests <= REQUESTS_FACTOR * most or requests - most < REQUESTS_SURPLUS:
        return
    new = select(func.count()).where(
        article.c.site == look.site.id, article.c.first_seen >= look.started_at
    )
    numbers = {
        "requests": requests,
        "articles": articles,
        "new_articles": _number(look, new),
        "per_article": round(requests / (articles + 1), 1),
        "past_per_article": round(worst, 1),
    }
    yield Finding(
        "requests",
        f"{requests} requests for {articles} article(s), {numbers['new_articles']} of them new; "
        f"before, at most {worst:.1f} for each; `runs show --failed` may show a trap",
        numbers,
    )


def _past_counts(look: Look) -> list[dict[str, Any]]:
    counts = select(run.c.counts).where(run.c.id.in_(look.past), run.c.mode == look.mode)
    return [found for found in look.tx.execute(counts).scalars() if found]


def _cost(counts: dict[str, Any]) -> float:
    return int(counts["captures"]) / (int(counts["articles"]) + 1)


def _number(look: Look, statement: Any) -> int:
    return int(look.tx.execute(statement).scalar_one())
