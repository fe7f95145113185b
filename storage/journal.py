"""The journal: what stands in no WARC file, one JSON object a line, appended before it counts.

    {"kind": "site", "at": …, "site": …, "name": …, …}      a declaration, when new or changed
    {"kind": "run_started", "at": …, "site": …, "run": …, "mode": …, "started_at": …}
    {"kind": "run_resumed", …}                              the same, of a run that goes on
    {"kind": "run_stopped", …, "left": 12, "reason": …}
    {"kind": "run_finished", …, "finished_at": …, "outcome": …, "reason": …, "counts": {…},
     "findings": […]}
    {"kind": "readings_accepted", …, "run": …, "reason": …, "counts": {…}}
    {"kind": "donation", …, "run": …, "file": …, "sha256": …, "donor": …, "terms": …, …}
    {"kind": "failure", …, "url": …, "stage": …, "what": …, "skipped": false, "message": …}

Decisions have lines of their own kinds (storage.database.decisions). Lines of yet other kinds are
others' to write and to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from storage import times
from storage.database.decisions import DECISIONS
from storage.database.donations import Donation
from storage.database.runs import FinishedRun, SiteRow, StartedRun
from storage.folder import ArchiveFolder
from storage.lines import append_lines
from storage.store.machines import all_lines

Line = dict[str, Any]


def note(folder: ArchiveFolder, kind: str, site: str, run: str | None = None, **what: Any) -> None:
    """Append one line; it lasts when this returns. Raises OSError."""
    of_run = {} if run is None else {"run": run}
    line = {"kind": kind, "at": times.utc_text(times.now()), "site": site} | of_run | what
    append_lines(folder.journal, [line])


def note_sites(folder: ArchiveFolder, rows: Iterable[SiteRow]) -> None:
    """Append declarations, at once. Raises OSError."""
    append_lines(folder.journal, [_site_line(row) for row in rows])


def _site_line(row: SiteRow) -> Line:
    told = {"kind": "site", "at": times.utc_text(times.now()), "site": row.id}
    return told | {name: value for name, value in asdict(row).items() if name != "id"}


def note_begun(folder: ArchiveFolder, site: str, run: StartedRun, run_kind: str = "crawl") -> None:
    """Append that a run began, or goes on. Raises OSError."""
    kind = "run_resumed" if run.resumed else "run_started"
    told = {"mode": run.mode, "started_at": run.started_at, "run_kind": run_kind}
    note(folder, kind, site, run.id, **told)


def note_accepted(folder: ArchiveFolder, site: str, run: str, accepted: Line) -> None:
    """Append that somebody accepts what a run proposes: `reason` says who. Raises OSError."""
    note(folder, "readings_accepted", site, run, **accepted)


def note_donation(folder: ArchiveFolder, site: str, one: Donation) -> None:
    """Append that a file was given, or made of one that was. Raises OSError."""
    values = {name: getattr(one, name) for name in Donation.__slots__ if name != "run"}
    note(folder, "donation", site, one.run, **values)


def note_finished(folder: ArchiveFolder, site: str, run: FinishedRun) -> None:
    """Append how a run ended. Raises OSError."""
    note(folder, "run_finished", site, run.id, **{name: getattr(run, name) for name in _OUTCOME})


def note_failures(folder: ArchiveFolder, rows: Iterable[Line]) -> None:
    """Append failures without bytes: rows of the table `failure`. Raises OSError."""
    lines = [
        {
            "kind": "failure",
            "at": row["at"],
            "site": row["site"],
            "run": row["run"],
            "url": row["url"],
            "stage": row["stage"],
            "what": row["kind"],
            "skipped": bool(row["skipped"]),
            "message": row["message"],
        }
        for row in rows
    ]
    append_lines(folder.journal, lines)


@dataclass(slots=True)
class RunTold:
    """A run as the journal tells it."""

    row: Line
    """Of the table `run`; `finished_at` is None while it goes on."""
    failures: dict[tuple[str, str], Line] = field(default_factory=dict)
    """Rows of the table `failure`, by address and kind: of one told twice, a crash before the first
    was committed, the last."""


@dataclass(slots=True)
class History:
    """Everything the journal tells, in the order it happened."""

    sites: dict[str, Line] = field(default_factory=dict)
    runs: dict[str, RunTold] = field(default_factory=dict)
    decisions: list[Line] = field(default_factory=list)
    """Lines for storage.database.decisions."""
    donations: dict[str, Donation] = field(default_factory=dict)
    """By file."""
    unknown: int = 0
    """Lines of kinds that nothing reads."""


def read_history(folder: ArchiveFolder) -> History:
    """Read the whole journal, of all machines that share a store. Raises OSError, StoreFault."""
    history = History()
    for line in all_lines(folder, folder.journal.name):
        tell = _TELL.get(line.get("kind", ""))
        if tell is None:
            history.unknown += 1
        else:
            tell(history, line)
    return history


def _site(history: History, line: Line) -> None:
    row = {name: value for name, value in line.items() if name not in ("kind", "at", "site")}
    history.sites[line["site"]] = {"id": line["site"]} | row


def _begun(history: History, line: Line) -> None:
    row = {
        "id": line["run"],
        "site": line["site"],
        "kind": line.get("run_kind", "crawl"),  # older lines name none
        "mode": line["mode"],
        "started_at": line["started_at"],
    }
    told = history.runs.setdefault(line["run"], RunTold(row))
    told.row = row | dict.fromkeys(_OUTCOME)  # it goes on, even if it had ended before a crash


def _finished(history: History, line: Line) -> None:
    if line["run"] in history.runs:
        outcome = {name: line.get(name) for name in _OUTCOME}  # older lines have no findings
        history.runs[line["run"]].row |= outcome


def _failure(history: History, line: Line) -> None:
    if line["run"] in history.runs:
        names = ("run", "site", "url", "at", "stage", "message")
        row = {name: line[name] for name in names}
        row |= {"kind": line["what"], "skipped": int(line["skipped"]), "capture": None}
        history.runs[line["run"]].failures[line["url"], line["what"]] = row


def _stopped(history: History, line: Line) -> None:
    """The run goes on some day; until then, this is why it does not."""
    if line["run"] in history.runs:
        history.runs[line["run"]].row["reason"] = line.get("reason")


def _accepted(history: History, line: Line) -> None:
    """The run goes on to take over what it proposes; these values are its row's from now on."""
    if line["run"] in history.runs:
        history.runs[line["run"]].row |= {name: line[name] for name in ("reason", "counts")}


def _donation(history: History, line: Line) -> None:
    one = Donation(**{name: line[name] for name in Donation.__slots__})
    history.donations[one.file] = one


def _decision(history: History, line: Line) -> None:
    history.decisions.append(line)


def _rewriting(history: History, line: Line) -> None:
    """A takedown: another file has the place of one that may have been given."""
    _decision(history, line)
    old, new = line["replaces"], line["file"]
    told = [
        replace(one, file=new if one.file == old else one.file,
                made_of=new if one.made_of == old else one.made_of)
        for one in history.donations.values()
    ]  # fmt: skip
    history.donations = {one.file: one for one in told}


_OUTCOME = ("finished_at", "outcome", "reason", "counts", "findings")
_TELL = dict.fromkeys(DECISIONS, _decision) | {
    "site": _site,
    "run_started": _begun,
    "run_resumed": _begun,
    "run_stopped": _stopped,
    "run_finished": _finished,
    "readings_accepted": _accepted,
    "failure": _failure,
    "donation": _donation,
    "takedown_rewriting": _rewriting,
}
