"""Checks of a run that is over, against the site's own past: is this still the site, and all of it?

What is found is kept with the run's outcome (docs/decisions/0503-what-a-run-is-checked-for.md).
"""

from __future__ import annotations

from sqlalchemy import Connection

from crawler.checks.amounts import check_articles, check_quiet, check_requests
from crawler.checks.coverage import check_coverage
from crawler.checks.identity import check_identity
from crawler.checks.look import Look, ReadRecord
from crawler.checks.pages import check_signs
from crawler.sites import Site
from storage.records import Finding


def check_run(
    tx: Connection, site: Site, run: str, read: ReadRecord, *, answered: bool
) -> tuple[Finding, ...]:
    """Everything that is found of a run whose frontier is empty, what pauses the site first.

    `answered`: the site let us have one of its lists; if not, the run's outcome says all there is
    to say of amounts. Raises nothing: a record that cannot be read is not compared.
    """
    look = Look.at(tx, site, run)
    found = check_signs(look)
    if answered:
        found += check_identity(look, read)
        found += check_coverage(look)
        found += [*check_articles(look), *check_quiet(look), *check_requests(look)]
    return tuple(sorted(found, key=lambda one: not one.pauses))
