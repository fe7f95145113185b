"""Verdicts for people: what is wrong, where, what it means, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from storage.warc.verify.bench import Verdict
from storage.warc.verify.rules import Flaw, Rule


def lines(verdict: Verdict) -> Iterator[str]:
    """A verdict, a line for the file and two or three for each rule that it breaks.

    A rule broken often is said once, with the first place; `--json` gives every one.
    """
    if verdict.skipped is not None:
        yield f"{verdict.file}: skipped: {verdict.skipped}"
        return
    findings = len(verdict.flaws) - verdict.errors
    said = f"{verdict.records} records"
    said += f", {verdict.errors} error(s)" if verdict.errors else ", sound"
    yield f"{verdict.file}: {said}" + (f", {findings} finding(s)" if findings else "")
    yield from breaches(verdict.flaws)


def breaches(flaws: Iterable[Flaw]) -> Iterator[str]:
    """Two or three lines for each rule, errors first."""
    ordered = sorted(flaws, key=lambda flaw: (flaw.rule.severity, flaw.rule.slug))
    for rule, of_rule in groupby(ordered, key=lambda flaw: flaw.rule):
        yield from _breach(rule, list(of_rule))


def _breach(rule: Rule, flaws: list[Flaw]) -> Iterator[str]:
    first, more = flaws[0], len(flaws) - 1
    often = f" (and {more} more)" if more else ""
    yield f"  {rule.severity:<7}  offset {first.offset}  {rule.slug}{often}: {rule.meaning}"
    if first.detail:
        yield f"           here: {first.detail}"
    if rule.severity == "error":
        yield f"           to do: {rule.advice}"


def summary(files: int, errors: int, skipped: int) -> str:
    """The last line of a round."""
    said = f"{files} file(s) verified: " + (f"{errors} error(s)" if errors else "no error")
    return said + (f"; {skipped} skipped" if skipped else "")
