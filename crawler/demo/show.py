"""`tinhuyen demo`: crawl the sample portal, say what was kept, find the seed's article."""

from __future__ import annotations

import os

import typer

from crawler.run import crawl_sites
from storage.archive import Archive
from storage.cli import print_counts
from storage.errors import Exit, NotFound
from storage.output import console, errors, escape, print_article, print_found

QUERY = "huyện uỷ bình giang thi đua khen thưởng"


def show_demo(archive: Archive, *, serve: bool) -> None:
    """Crawl, count, search, show; then serve until Ctrl-C if asked."""
    console.print(escape(f"Crawling the sample portal into {archive.folder.root}"))
    [result] = crawl_sites(archive, ["demo"], "full")
    if result.message:
        errors.print(escape(result.message))
    if result.counts is None or result.exit_code is not Exit.DONE:
        raise typer.Exit(result.exit_code)
    console.print(f"\ndemo: {result.outcome} (run {result.run})")
    print_counts(result.counts)
    _show_seed(archive)
    if serve:
        from storage.web.app import serve as serve_archive

        console.print("")
        serve_archive(archive, "127.0.0.1", 0)


def _show_seed(archive: Archive) -> None:
    """What the two commands print that everybody wants next."""
    found = archive.search(QUERY)
    if not found:
        raise NotFound("the seed's article was not found, which should not be; please report it")
    command = f"tinhuyen --archive {os.path.relpath(archive.folder.root)}"
    console.print(escape(f'\n$ {command} search "{QUERY}"'))
    print_found(found)
    console.print(escape(f"\n$ {command} show {found[0]['id']}"))
    print_article(found[0], paragraphs=2)
