"""The verbs `tinhuyen access` and `tinhuyen takedown`: who may see what, and what is withdrawn."""

from __future__ import annotations

import getpass
import re
from dataclasses import asdict
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from storage.archive import Archive
from storage.cli import Json, archive_of
from storage.errors import UsageError
from storage.output import console, escape, print_json, print_table
from storage.query.access import Audience
from storage.query.asked import is_day


class _SubjectFirst(TyperGroup):
    """`takedown SUBJECT` means `takedown add SUBJECT`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["add", *args]
        return super().resolve_command(ctx, args)


access = typer.Typer(help="Who may see what: open, on site, embargo, closed.", no_args_is_help=True)
takedown = typer.Typer(
    help="Withdraw an article, an address or bytes from every door. `takedown SUBJECT` adds one.",
    cls=_SubjectFirst,
    no_args_is_help=True,
)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LEVELS = {"open": "open", "on-site": "on_site", "embargo": "embargo", "closed": "closed"}

By = Annotated[str | None, typer.Option(help="Who decides; your login if not given.")]
Subject = Annotated[str, typer.Argument(help="Id of a site or an article.")]
Since = Annotated[
    str | None, typer.Option(help="Only a site's articles published from this day, month or year.")
]
Until = Annotated[str | None, typer.Option(help="Only those published until then.")]
Attachments = Annotated[
    bool, typer.Option("--attachments", help="About the bytes of attachments, not about articles.")
]
Basis = Annotated[str, typer.Option(help="What the decision rests on; readers are told.")]


@access.command("set")
def set_access(
    context: typer.Context,
    subject: Subject,
    level: Annotated[str, typer.Argument(help="open, on-site, embargo or closed.")],
    basis: Basis,
    opens: Annotated[
        str | None, typer.Option(help="The day on which an embargo ends: 2030-01-01.")
    ] = None,
    since: Since = None,
    until: Until = None,
    attachments: Attachments = False,
    by: By = None,
) -> None:
    """Say who may see a site, a span of its articles by date, or one article.

    The narrowest rule counts: an article's own, else that of its date, else its site's. Without
    any, articles are open and attachments closed.
    """
    if level not in _LEVELS:
        raise UsageError(f"no access {level!r}; there are {', '.join(_LEVELS)}")
    if (level == "embargo") != (opens is not None):
        raise UsageError("an embargo, and nothing else, ends on a day: --opens 2030-01-01")
    if opens is not None and not (_DAY.fullmatch(opens) and is_day(opens)):
        raise UsageError(f"{opens!r} is no day; write it like 2030-01-01")
    rule = {"since": since, "until": until, "attachments": attachments, "opens": opens}
    _decide(archive_of(context), subject, rule | {"access": _LEVELS[level]}, basis, by)


@access.command("clear")
def clear_access(
    context: typer.Context,
    subject: Subject,
    basis: Basis,
    since: Since = None,
    until: Until = None,
    attachments: Attachments = False,
    by: By = None,
) -> None:
    """Take a rule back, named as it was set; the next wider one counts again."""
    rule = {"since": since, "until": until, "attachments": attachments, "opens": None}
    _decide(archive_of(context), subject, rule | {"access": None}, basis, by)


def _decide(
    archive: Archive, subject: str, rule: dict[str, Any], basis: str, by: str | None
) -> None:
    from crawler.sites import load_sites
    from storage.takedown import decide

    for name in ("since", "until"):
        if rule[name] is not None and not is_day(rule[name]):
            raise UsageError(f"{name} {rule[name]!r} is no day; write 2022-01-31, 2022-01 or 2022")
    rule |= {"basis": _said(basis, "basis"), "decided_by": _name(by)}
    made = decide.set_access(archive, subject, rule, load_sites(archive.folder.sites))
    console.print(escape(f"{_scope(asdict(made))}: {_level(asdict(made))}"))


@access.command("list")
def list_access(context: typer.Context, json: Json = False) -> None:
    """List the rules that hold, with who decided and on what basis."""
    from storage.takedown import decide

    with archive_of(context).reading(Audience.STAFF) as tx:
        found = decide.rules(tx)
    if json:
        print_json(found)
        return
    columns = ("what", "access", "since", "by", "basis")
    rows = [
        (_scope(r), _level(r), r["decided_at"][:10], r["decided_by"], r["basis"]) for r in found
    ]
    print_table(columns, rows)


def _scope(rule: dict[str, Any]) -> str:
    what = f"article {rule['article']}" if rule["article"] else f"site {rule['site']}"
    span = "".join(f" {name} {rule[name]}" for name in ("since", "until") if rule[name])
    return ("attachments of " if rule["attachments"] else "") + what + span


def _level(rule: dict[str, Any]) -> str:
    if rule["access"] is None:
        return "no rule of its own any more"
    level = next(shown for shown, kept in _LEVELS.items() if kept == rule["access"])
    return f"{level} until {rule['opens']}" if rule["opens"] else level


@takedown.command("add")
def add_takedown(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            help="An article's id, an address, a sha256 of a file, or a payload digest (sha1:…)."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why; for the trail only, readers never see it.")],
    basis: Annotated[
        str, typer.Option(help="What readers are told in its place.")
    ] = "at the request of those concerned",
    how: Annotated[
        str,
        typer.Option(help="hide (can be undone), tombstone, or rewrite (out of the WARC files)."),
    ] = "hide",
    by: By = None,
    json: Json = False,
) -> None:
    """Withdraw something at every door, also from what is captured or imported later.

    A rewrite also takes the records out of the WARC files, for good. Copies elsewhere (replicas,
    packages, exports) are not reached.
    """
    from storage.database.access_rows import HOW
    from storage.takedown import decide
    from storage.takedown.rewrite import rewrite

    archive = archive_of(context)
    if how not in HOW:
        raise UsageError(f"no takedown {how!r}; there are {', '.join(HOW)}")
    with archive.reading(Audience.STAFF) as tx:
        row = decide.unfinished_rewrite(tx, subject) if how == "rewrite" else None
    covered = None
    if row is None:
        names = _said(reason, "reason"), _said(basis, "basis"), _name(by)
        taken, covered = decide.take_down(archive, subject, how, *names)
        row = asdict(taken)
    rewritten = rewrite(archive, row) if how == "rewrite" else None
    told = {"takedown": row["id"], "how": how, "rewritten": rewritten}
    told |= asdict(covered) if covered is not None else {"asked": row["asked"]}
    if json:
        print_json([told])
    else:
        _say(told)


_DONE = {
    "hide": "hidden; `tinhuyen takedown undo` brings it back",
    "tombstone": "withdrawn for good; its records stay in the WARC files",
    "rewrite": "withdrawn for good, and taken out of the WARC files",
}


def _say(told: dict[str, Any]) -> None:
    lines = [f"{told['takedown']}: {_DONE[told['how']]}"]
    if "covers" in told:
        lines += [f"  covers     {kind} {value}" for kind, value in told["covers"]]
        lines.append(f"  records    {told['captures']}")
        if not told["captures"]:
            lines.append("             none yet: it holds for what is captured or imported later")
        lines += [f"  stays      the page {url}, which links to it" for url in told["lists"]]
        lines += [
            f"  stays      article {id_}, whose text is the same" for id_ in told["same_text"]
        ]
    if told["rewritten"] is not None:
        lines.append(f"  taken out  {len(told['rewritten']['records'])} record(s)")
        lines += [
            f"  new file   {one['file']} instead of {one['replaces']}"
            for one in told["rewritten"]["files"]
        ]
        lines += [
            f"  kept       {id_}, hidden: others refer to it" for id_ in told["rewritten"]["kept"]
        ]
    console.print(escape("\n".join(lines)))


@takedown.command("undo")
def undo_takedown(
    context: typer.Context,
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="The takedown's id, or a unique start of it.")
    ],
    reason: Annotated[str, typer.Option(help="Why; for the trail.")],
    by: By = None,
) -> None:
    """Bring back what was hidden. Tombstones and rewrites are for good."""
    from storage.takedown import decide

    row = decide.undo(archive_of(context), id_, _said(reason, "reason"), _name(by))
    console.print(escape(f"{row['id']}: {row['asked']} can be seen again"))


@takedown.command("report")
def report_takedowns(context: typer.Context, json: Json = False) -> None:
    """List every takedown: what, how, when, by whom, why, and what became of it."""
    from storage.takedown import decide

    with archive_of(context).reading(Audience.STAFF) as tx:
        found = decide.report(tx)
    if json:
        print_json(found)
        return
    columns = ("takedown", "how", "when", "by", "what", "readers are told", "reason")
    rows = [
        (
            r["id"],
            _state(r),
            r["decided_at"][:10],
            r["decided_by"],
            r["asked"],
            r["basis"],
            r["reason"],
        )
        for r in found
    ]
    print_table(columns, rows)


def _state(row: dict[str, Any]) -> str:
    if row["undone_at"]:
        return f"{row['how']}, undone {row['undone_at'][:10]} by {row['undone_by']}"
    if row["how"] == "rewrite" and row["rewritten"] is None:
        return "rewrite, UNFINISHED: hidden; run it again"
    return str(row["how"])


def _name(by: str | None) -> str:
    return _said(by or getpass.getuser(), "by")


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"--{what} must not be empty: it is the trail")
    return text.strip()
