"""The verb `tinhuyen sites state`: what was decided about a site, and deciding it."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Annotated

import typer

from storage import times
from storage.archive import Archive
from storage.cli import Json, archive_of
from storage.database.site_states import SiteState
from storage.errors import UsageError
from storage.output import console, escape, print_json


def state(
    context: typer.Context,
    site: Annotated[str, typer.Argument(help="Its id.")],
    state: Annotated[
        str | None,
        typer.Argument(
            help="open, closed, moved, hijacked or paused; without it what was decided is shown."
        ),
    ] = None,
    because: Annotated[
        str | None, typer.Option(help="Why, for those who come after you; always needed.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who decides; your login if not given.")] = None,
    run: Annotated[
        str | None,
        typer.Option(
            help="The run that this is about too: open accepts what it read, anything else sets "
            "it aside [default: the run that paused the site, if one did]."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Decide what a site is: only an open one is crawled.

    Pages and readings stay, whatever is decided; what a run read that is set aside makes no
    version of an article. A later decision goes before an earlier one, and before the declaration.
    """
    from crawler.sites import find_site, load_sites

    archive = archive_of(context)
    id_ = find_site(load_sites(archive.folder.sites), site).id
    if state is not None:
        _decide(archive, id_, state, because, by, run)
    elif because or by or run:
        raise UsageError(f'say which state: tinhuyen sites state {id_} open --because "why"')
    decided = archive.states(id_) if archive.exists else []
    if json:
        print_json(one.as_json() for one in decided)
        return
    console.print(f"site {id_}: {len(decided)} decision(s)")
    print_states(decided)


def _decide(
    archive: Archive, site: str, state: str, because: str | None, by: str | None, run: str | None
) -> None:
    from crawler.sites import STATES
    from storage.database.site_states import decide

    if state not in (*STATES, "paused"):
        raise UsageError(f"no state {state!r}; there are {', '.join(STATES)} and paused")
    because, by = (because or "").strip(), (by or getpass.getuser()).strip()
    if not because or not by:
        raise UsageError("a decision needs a reason and a name: --because, --by")
    engine = archive.open_for_writing()
    try:
        about = _run_of(archive, site, run)
        lock = archive.site_lock(site) if about else nullcontext(engine)  # its readings turn
        with lock as held, held.begin() as tx:
            moment = times.utc_text(times.now())
            decide(archive.folder, tx, SiteState(site, moment, by, state, because, about))
    finally:
        engine.dispose()


def _run_of(archive: Archive, site: str, run: str | None) -> str | None:
    """The run named, or the one that paused the site and nobody has judged yet."""
    if run is not None:
        found = archive.run(run)
        if found["site"] != site:
            raise UsageError(f"{found['id']} is a run of {found['site']}, not of {site}")
        return str(found["id"])
    decided = archive.states(site)
    return decided[-1].run if decided and decided[-1].state == "paused" else None


def print_states(decided: Iterable[SiteState]) -> None:
    """A line each, oldest first."""
    for one in decided:
        when = f"{times.parse_utc(one.decided_at).astimezone(times.LOCAL):%Y-%m-%d}"
        about = f" (run {one.run})" if one.run else ""
        line = f"  {one.state:<9}  {when} {one.decided_by}: {one.because}{about}"
        console.print(escape(line))
