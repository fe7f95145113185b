"""How commands show things: tables for people, one JSON object a line for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from storage import times
from storage.database.notes import Note

_FILE_WIDTH = 200
"""Columns of a table that goes to no terminal: nothing need be cut short."""

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(values: Iterable[dict[str, Any]]) -> None:
    """One object a line, Vietnamese letters as they are."""
    for value in values:
        print(json.dumps(value, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; None is shown as nothing. Text is never taken for markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        # The first is what one copies to the next command.
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    width = None if console.is_terminal else _FILE_WIDTH
    Console(highlight=False, width=width).print(table)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[..., None]]:
    """A bar on standard error, if that is a terminal, while the block lasts.

    Call it for each, or with how many are done at once.
    """
    from rich.progress import Progress

    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count=1: bar.advance(task, count)


def escape(text: str) -> str:
    """Text from an archive for a terminal: no markup, no control characters, plain spaces."""
    from rich.markup import escape as escape_markup

    return escape_markup("".join(map(_shown, text)))


def _shown(char: str) -> str:
    if char.isprintable() or char == "\n":
        return char
    return " " if char.isspace() else ""


def print_found(articles: Sequence[dict[str, Any]]) -> None:
    """Search results, a line each."""
    rows = [
        (
            article["id"],
            (article["published_at"] or "")[:16].replace("T", " "),
            article["title"],
            article["author"] or article["office"],
            article["site"],
        )
        for article in articles
    ]
    if rows:
        print_table(("article", "published", "title", "by", "site"), rows)
    else:
        console.print("Nothing found. Fewer words, or words without marks, find more.")


def print_found_pages(pages: Sequence[dict[str, Any]]) -> None:
    """Pages of attachments that were found, a line each."""
    rows = [(one["article"], one["attachment"]["name"], one["page"], one["text"]) for one in pages]
    if rows:
        print_table(("article", "attachment", "page", "text"), rows)
    else:
        console.print(
            "Nothing found in attachments. Fewer words, or words without marks, find more."
        )


def print_similar(found: Sequence[dict[str, Any]], *, json: bool) -> None:
    """What is nearly the same as an article, a line each."""
    if json:
        print_json(found)
        return
    columns = ("article", "alike", "similarity", "published_at", "title", "site")
    rows = [[one[name] for name in columns] for one in found]
    if rows:
        print_table(("article", "alike in", "how much", "published", "title", "site"), rows)
    else:
        console.print("Nothing like it is known. `tinhuyen alike` compares what is new.")


def print_article(article: dict[str, Any], *, paragraphs: int | None = None) -> None:
    """An article for people: what it is, where it lies, and what it says.

    `paragraphs`: at most so many of its text.
    """
    say = console.print
    say(f"[bold]{escape(article['title'] or '(no title)')}[/bold]")
    published = article["published_at"] or "date unknown"
    flags = ", ".join(article["published_flags"])
    raw = article["published_raw"]
    say(escape(f"  published  {published}" + (f"  (printed: {raw}; {flags})" if raw else "")))
    if article["place"]:
        say(escape(f"  place      {_place(article['place'])}"))
    by = " - ".join(part for part in (article["author"], article["office"]) if part)
    for label, value in (("by", by), ("source", article["credit"]), ("url", article["url"])):
        if value:
            say(escape(f"  {label:<9}  {value}"))
    for url in article["other_urls"]:
        say(escape(f"  also       {url}"))
    _print_record(article)
    _print_absence(article)
    for image in article["images"]:
        size = f"{image['width']} x {image['height']}" if image["width"] else "not kept"
        say(escape(f"  image      {image['caption'] or '(no caption)'}  [{size}]  {image['url']}"))
    for file in article["attachments"]:
        say(escape(f"  file       {file['name']}  {file['url']}"))
    lines = "\n".join(part for part in (article["lead"], article["text"]) if part).split("\n")
    say("")
    say(escape("\n".join(lines[:paragraphs])))
    if paragraphs is not None and len(lines) > paragraphs:
        say(f"… ({len(lines) - paragraphs} more paragraphs)")


def print_sightings(sightings: Sequence[dict[str, Any]]) -> None:
    """Who caught an article, a line each; nothing if only we did."""
    if all(one["provenance"] == "own" for one in sightings):
        return
    for one in sightings:
        days = " to ".join(dict.fromkeys((one["first"][:10], one["last"][:10])))
        by = f", given by {one['donor']} ({one['terms']})" if one["donor"] else ""
        line = f"  seen       {days}  {one['captures']} capture(s), {one['provenance']}{by}"
        console.print(escape(line))


def print_notes(notes: Iterable[Note]) -> None:
    """What people noted, a line each."""
    for note in notes:
        verdict = f" [{note.verdict}]" if note.verdict else ""
        when = f"{times.parse_utc(note.noted_at).astimezone(times.LOCAL):%Y-%m-%d}"
        console.print(escape(f"  note       {when} {note.noted_by}{verdict}: {note.text}"))


def print_findings(findings: Iterable[dict[str, Any]]) -> None:
    """What the checks of a run found, a line each."""
    for found in findings:
        paused = " [paused the site]" if found["pauses"] else ""
        console.print(escape(f"  finding    {found['check']}: {found['message']}{paused}"))
        if found["captures"]:
            console.print(escape(f"             {' '.join(found['captures'])}"))


_SHOWN_PLACES = 20  # of a finding; all that are kept are in `runs show --json`


def print_found_by(findings: Iterable[dict[str, Any]], run: str) -> None:
    """What an import or a rescue found, with the first places of each."""
    for found in findings:
        console.print(escape(f"  {found['check']}: {found['message']}"))
        places = found["numbers"]["places"]
        for file, offset, what in places[:_SHOWN_PLACES]:
            where = f"{file}, offset {offset}" if offset else file
            console.print(escape(f"    {where}: {what}" if what else f"    {where}"))
        if len(places) > _SHOWN_PLACES:
            console.print(escape(f"    … `tinhuyen runs show {run} --json` has more"))


def print_status(sites: Sequence[dict[str, Any]]) -> None:
    """Sites by state, and a line each; times are of Asia/Ho_Chi_Minh."""
    states = Counter(one["state"] or "never crawled" for one in sites)
    console.print(", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    columns = ("changed", "failed", "outcome")
    rows = [
        (
            one["site"], one["state"], _local_minute(one["last_good_at"]),
            one["articles"], one["gone"], _new(one),
            *(one[name] for name in columns),
            ", ".join(found["check"] for found in one["findings"]),
            f"{one['warc_bytes'] / 1e6:,.1f}", _local_minute(one["next_due"]),
        )
        for one in sites
    ]  # fmt: skip
    print_table(
        (
            "site", "state", "last good capture", "articles", "gone", "new", "changed", "failed",
            "last run", "findings", "MB", "next run",
        ),
        rows,
    )  # fmt: skip
    for one in sites:
        if one["because"] and one["state"] != "open":
            console.print(escape(f"{one['site']} is {one['state']}: {one['because']}"))


def _new(one: dict[str, Any]) -> int | None:
    """Articles new in the newest run; of a run that did not tell, with those that changed."""
    new: int | None = one["new_versions"]
    return new if new is None else new - (one["changed"] or 0)


def _local_minute(text: str | None) -> str | None:
    return f"{times.parse_utc(text).astimezone(times.LOCAL):%Y-%m-%d %H:%M}" if text else None


def _print_absence(article: dict[str, Any]) -> None:
    absent = article.get("absent")
    if absent is not None:
        present, gone = absent["present_on"][:10], absent["absent_on"][:10]
        line = f"  gone       present on {present}, absent on {gone} ({absent['why']})"
        console.print(escape(f"{line}, record {absent['warc']['record_id']}"))


def _print_record(article: dict[str, Any]) -> None:
    warc = article["warc"]
    if warc is None:
        return
    id_, version = article["id"], f"version {article['version']} of {article['versions']}"
    console.print(escape(f"  article    {id_}, {version}, captured {article['captured_at']}"))
    where = f"{warc['file']}, offset {warc['offset']}, {warc['length']} bytes"
    console.print(escape(f"  record     {warc['record_id']}"))
    console.print(escape(f"             {where}"))


def _place(place: dict[str, Any]) -> str:
    named = ", ".join(part for part in (place["district"], place["province"]) if part)
    into = ", ".join(one["name"] for one in place["successors"])
    return f"{named or 'district'} ({place['district_code']})" + (f"; today {into}" if into else "")


def print_unit(unit: dict[str, Any]) -> None:
    """A unit for people: what it was, what it went into and was made of."""
    say = console.print
    within = f", {unit['province']}" if unit["level"] != "province" else ""
    say(f"[bold]{escape(unit['name'] + within)}[/bold] ({unit['code']}, as of {unit['as_of']})")
    if unit["valid_to"]:
        say(f"  until {unit['valid_to']}")
    for one in unit["successors"]:
        others = ", ".join(other["name"] for other in one["shared_with"])
        shared = f"shared with {others}" if others else ""
        _say_relation("went into", one, shared)
    for one in unit["made_of"]:
        _say_relation("took in", one)


def _say_relation(verb: str, one: dict[str, Any], more: str = "") -> None:
    marks = ["a commune of it was divided"] * one["split"] + [more] * bool(more)
    marks += ["doubtful: a namesake may be meant"] * one["doubtful"]
    said = f"  ({'; '.join(marks)})" if marks else ""
    console.print(escape(f"  {verb:<9}  {one['name']}, {one['province']} ({one['code']}){said}"))


def print_queued(new: int, of: int) -> None:
    """What became of jobs that were put into the queue."""
    again = f", {of - new} waited already" if new < of else ""
    console.print(
        f"{new} job(s) queued{again}; workers make them, `tinhuyen work --list` shows them"
    )
