"""What was decided about a site after its declaration: paused, open again, hijacked …

By an archivist, or by the checks of a run, which can only pause. A decision may be about what one
run read as well: unless the newest that names the run says `open`, its readings are set aside
(`aside`), and no version of an article follows from them. They and their captures stay.

Decisions stand in the journal first, and the rows follow from it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from storage import times
from storage.database.articles import forget_sightings, update_versions
from storage.database.schema import capture, reading, site_state
from storage.folder import ArchiveFolder
from storage.lines import append_lines

CHECKS = "checks of the run"
"""Who decides where nobody does."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SiteState:
    """One decision."""

    site: str
    decided_at: str
    """UTC, `2024-03-01T03:00:00.000000Z`."""
    decided_by: str
    state: str
    """`paused`, or a state that a declaration may have (crawler.sites.STATES)."""
    because: str
    run: str | None = None
    """The run whose readings it is about; None: about none."""
    evidence: tuple[dict[str, Any], ...] = ()
    """Findings (records.Finding, as JSON) that it rests on."""

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the journal."""
        return asdict(self) | {"evidence": list(self.evidence)}


def decide(folder: ArchiveFolder, tx: Connection, decided: SiteState) -> None:
    """Append to the journal, then save, and set aside or accept what its run read.

    Raises OSError, and what the database raises.
    """
    line = {"kind": "site_state", "at": times.utc_text(times.now())} | decided.as_json()
    append_lines(folder.journal, [line])
    save_state(tx, decided)
    if decided.run is not None:
        settle_run(tx, decided.run)


def save_state(tx: Connection, decided: SiteState) -> None:
    """Save one that the journal has. Of one site at one moment there is one."""
    same = [site_state.c[name] == getattr(decided, name) for name in ("site", "decided_at")]
    if tx.execute(select(site_state.c.id).where(*same)).first() is None:
        tx.execute(insert(site_state), decided.as_json())


def find_states(tx: Connection, site: str | None = None) -> list[SiteState]:
    """Decisions about a site, or all; oldest first."""
    statement = select(*[site_state.c[name] for name in SiteState.__slots__])
    if site is not None:
        statement = statement.where(site_state.c.site == site)
    rows = tx.execute(statement.order_by(site_state.c.decided_at, site_state.c.id))
    return [SiteState(**(dict(row._mapping) | {"evidence": tuple(row.evidence)})) for row in rows]


def newest_states(tx: Connection) -> dict[str, SiteState]:
    """By site, what holds now."""
    return {decided.site: decided for decided in find_states(tx)}


def is_set_aside(tx: Connection, run: str) -> bool:
    """Whether what a run read counts for nothing, as far as is decided."""
    newest = (
        select(site_state.c.state)
        .where(site_state.c.run == run)
        .order_by(site_state.c.decided_at.desc(), site_state.c.id.desc())
        .limit(1)
    )
    return tx.execute(newest).scalar() not in (None, "open")


def settle_run(tx: Connection, run: str) -> None:
    """Bring a run's readings to what is decided about it, and the versions of their articles."""
    was, is_ = ("accepted", "aside") if is_set_aside(tx, run) else ("aside", "accepted")
    mine = reading.c.capture.in_(select(capture.c.id).where(capture.c.run == run))
    turned = mine & (reading.c.state == was)
    keys = sorted(set(tx.execute(select(reading.c.article).where(turned)).scalars()))
    if not keys:
        return
    site = tx.execute(select(capture.c.site).where(capture.c.run == run).limit(1)).scalar_one()
    tx.execute(update(reading).where(turned).values(state=is_))
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        forget_sightings(tx, some)
        update_versions(tx, site, some)
