"""The datasheet as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from storage.query.query import Query

_TITLES = {
    "site": "By site",
    "organ": "By organ",
    "family": "By family (the system that the portal ran on)",
    "province": "By province",
    "month": "By month of publication",
    "precision": "How precise the dates are",
    "evidence": "Where the dates stand",
    "provenance": "Who captured the pages",
}
BIASES = {
    "own": "Own crawls follow the lists of each portal as they were on the day of the crawl. What "
    "the lists no longer named, or robots.txt forbade, is not there. Early years may be thinner "
    "than they were: old pages are lost when a portal moves to another system.",
    "commoncrawl": "Common Crawl takes some pages of a host, chosen by links that lead there, not "
    "all; whole months and districts may be missing without a sign. Images are mostly not kept, "
    "and long pages are cut.",
    "wayback": "The Wayback Machine has what somebody asked to be saved or what crawls came "
    "across: front pages and pages that were linked from elsewhere more than others, in waves "
    "that follow its crawls and not the news.",
    "donated": "Donated files hold what their givers chose to save, by rules that are mostly not "
    "known; what they left out cannot be told from what never was.",
}
"""What each provenance is known to skew."""


def title_of(query: Query) -> str:
    """What a datasheet is of."""
    if query == Query():
        return "Datasheet of an archive of district news"
    return f"Datasheet of district news found by `{query.as_command()}`"


def as_page(told: dict[str, Any], title: str) -> str:
    """`told`: Tally.as_json(), and `unheld` where the whole archive is described."""
    return "\n".join(_lines(told, title)).rstrip() + "\n"


def _lines(told: dict[str, Any], title: str) -> Iterator[str]:
    yield f"# {title}"
    yield ""
    first, last = (told[name] for name in ("first_capture", "last_capture"))
    span = f", captured from {first[:10]} to {last[:10]} (UTC)" if first else ""
    yield f"{told['articles']:,} articles{span}. An article stands here in its newest version."
    yield ""
    yield from _held(told)
    yield from _missing(told)
    yield from _skewed(told)


def _held(told: dict[str, Any]) -> Iterator[str]:
    yield "## What it holds"
    yield ""
    for name, heading in _TITLES.items():
        yield from _table(f"### {heading}", (name, "articles"), told["by"][name].items())
    lag = told["capture_lag_days"]
    yield "### From publication to capture"
    yield ""
    if lag is None:
        yield "No article has a known day of publication."
    else:
        yield (
            f"Half of the articles with a known day were captured within {lag['median']:,} days of "
            f"it, a tenth within {lag['tenth']:,}, nine tenths within {lag['nine_tenths']:,}; the "
            f"longest took {lag['longest']:,}. What was changed or taken down before is not seen."
        )
        early = told["captured_before_publication"]
        if early:
            yield f"{early:,} articles bear a day after their capture: their dates are doubtful."
    yield ""


def _missing(told: dict[str, Any]) -> Iterator[str]:
    total, has = told["articles"], told["has"]
    yield "## What it does not hold"
    yield ""
    yield from _table(
        "### Without a date or an author, by family and year of capture",
        ("family", "captured in", "articles", "no date", "no author"),
        (
            (one["family"], one["captured_in"], one["articles"],
             _share(one["no_date"], one["articles"]), _share(one["no_author"], one["articles"]))
            for one in told["nulls_by_family_and_year"]
        ),
    )  # fmt: skip
    fields = ("title", "lead", "text", "author", "office", "credit", "section", "place")
    yield from _table(
        "### Fields that are unknown",
        ("field", "articles without it"),
        ((name, _share(total - has[name], total)) for name in fields if total),
    )
    for name in ("images", "attachments"):
        if has.get(name):
            yield f"{has[f'{name}_kept']:,} of {has[name]:,} {name} that articles show are kept."
            yield ""
    yield from _table("### Gone at source", ("site", "articles"), told["gone"].items())
    yield from _table(
        "### Districts that articles name, of those that there were",
        ("province", "districts until July 2025", "named"),
        (tuple(one.values()) for one in told["districts"] if one["named"]),
    )
    without = [one["province"] for one in told["districts"] if not one["named"]]
    if without:
        yield f"No article at all names a district of {', '.join(without)}."
        yield ""
    if "sites" in told:
        yield from _table(
            "### Sites, and what their newest crawl did not get",
            ("site", "state", "articles", "gone", "last run", "failed addresses"),
            (tuple(one.values()) for one in told["sites"]),
        )
        yield "Sites that were declared and never crawled are not listed: `tinhuyen sites list`."
        yield ""


def _skewed(told: dict[str, Any]) -> Iterator[str]:
    yield "## What skews it"
    yield ""
    for provenance in told["by"]["provenance"]:
        known = "Nothing is known of how these captures were chosen."
        yield f"- **{provenance}.** {BIASES.get(provenance.partition(':')[0], known)}"
    yield (
        "- **Reading.** Titles, dates and bylines are found by rules for each family; a date that "
        "the rules are not sure of is left out, so undated articles are not a random part. Flags "
        "say what speaks for and against a date."
    )
    yield (
        "- **Voice.** These are portals of Party committees and people's committees: what they "
        "print is what these bodies wished to be read."
    )
    if told["flags"]:
        yield ""
        yield from _table("### Flags of dates", ("flag", "articles"), told["flags"].items())


def _table(heading: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Nothing where there is no row."""
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    if lines:
        yield from (heading, "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")
        yield from (*lines, "")


def _cell(value: object) -> str:
    """Names come from pages and tables: no cell may end early."""
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else " ".join(str(value).split()).replace("|", r"\|")


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.1f} %)"
