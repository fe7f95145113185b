"""Documentation that cannot rot: its sessions are run, its tables compared with what is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from crawler.cli import app
from crawler.demo.content import party_articles
from crawler.demo.party import article as party_page
from storage.errors import Exit
from tests.conftest import ROOT, TestArchive
from tests.databases import empty_for_rebuild, on_server
from tests.donated import page as news
from tests.older import read_by_older_rules
from tests.public_archives import Caught, PublicArchives
from tests.sql_login import sql_login

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
SITE = """
id = "binhgiang2"
name = "Huyện uỷ Bình Giang"
organ = "party"
listings = ["http://portal.example/tin-tuc"]
layouts = [{ family = "plain" }]
"""

CAUGHT = [
    Caught("http://portal.example/bai-1", "20210504010203", news(1)),
    Caught("http://portal.example/bai-1", "20220504010203", news(1, "Đã sửa.")),
    Caught("http://portal.example/bai-2", "20230111010203", news(2)),
    Caught("http://portal.example/bai-3", "20240301010203", news(3)),
]
"""What public archives caught of it."""


Step = tuple[str, list[str], int]
"""A command, what it is said to print, and its exit code."""


def sessions(page: Path) -> Iterator[list[Step]]:
    """A page's sessions: the commands of a block, each over what those before it left."""
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        steps = []
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            told = re.search(r"\s+# exit (\d)$", command)
            steps.append(
                (command[: told.start()], shown, int(told[1])) if told else (command, shown, 0)
            )
        yield steps


OF_ITS_FILE = ("db copy archive", "archive/archive.db")
"""What sessions say of the file that SQLite has."""

CASES = [(page.name, steps) for page in PAGES for steps in sessions(page)]


@pytest.fixture
def desk(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    """A copy of the demo's archive with what the sessions speak of beside it."""
    folder = tmp_path
    archive = demo_archive.copy(folder / "archive")
    page = party_page(party_articles()[0].id)
    assert page is not None
    (folder / "trang.html").write_text(page, encoding="utf-8")
    shutil.copy(ROOT / "docs" / "verify_proof.py", folder)
    archive.declare(SITE)
    return archive


@pytest.mark.parametrize(
    ("page", "steps"), CASES, ids=[f"{page}: {steps[0][0]}" for page, steps in CASES]
)
def test_sessions_print_what_they_say(
    desk: TestArchive, page: str, steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    if on_server() and any(words in str(steps) for words in OF_ITS_FILE):
        pytest.skip("SQLite only: names an archive's own file")
    if any("older-archive" in command for command, _, _ in steps):
        older_archive(desk)
    with PublicArchives(CAUGHT) if "rescue" in str(steps) else nullcontext() as theirs:
        if theirs is not None:
            for name, value in theirs.environment.items():
                monkeypatch.setenv(name, value)
        for step in steps:
            check(desk, page, *step)


def older_archive(desk: TestArchive) -> None:
    """The demo as an earlier version of the program read it."""
    archive = desk.copy(desk.folder.with_name("older-archive"))
    engine = archive.open().open_for_writing()
    read_by_older_rules(engine)
    engine.dispose()


def check(desk: TestArchive, page: str, command: str, shown: list[str], code: int) -> None:
    if command.startswith(". .venv/"):
        return  # the tests' own environment has the command already
    if command.startswith("make demo"):
        command = "tinhuyen --archive demo-archive demo --no-serve"
    named = re.search(r"--archive (\S+)", command)  # each archive has its own database
    archive = TestArchive(desk.folder.parent / named[1]) if named else desk
    if command == "tinhuyen rebuild":
        empty_for_rebuild(archive.folder)
    login = sql_login(archive) if "tinhuyen sql" in command else {}
    done = subprocess.run(
        command, shell=True, cwd=desk.folder.parent, env=archive.environment | login,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert matches(shown, done.stdout), f"{page} says\n{shown}\nand it prints\n{done.stdout}"


def matches(shown: list[str], printed: str) -> bool:
    """As doctest does: `…` stands for anything, runs of spaces are one."""
    pattern = ".*".join(re.escape(squeeze(part)) for part in "\n".join(shown).split("…"))
    return not shown or re.fullmatch(pattern, squeeze(printed.rstrip("\n")), re.DOTALL) is not None


def squeeze(text: str) -> str:
    return re.sub(r" +(?=\n|$)", "", re.sub(r" +", " ", text))


def commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for verb, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{verb} ")
        yield f"{name}{verb}", command


COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_stands_in_the_docs(name: str) -> None:
    command = COMMANDS[name]
    assert getattr(command, "help", None)
    for option in getattr(command, "params", []):
        assert option.name == "help" or option.help, f"{name} {option.name}"
    assert f"tinhuyen {name}" in ALL, f"no page of docs/ shows `tinhuyen {name}`"


def test_exit_codes_are_documented() -> None:
    page = (ROOT / "docs" / "archivists.md").read_text(encoding="utf-8")
    assert all(f"| {int(code)} |" in page for code in Exit)


def test_readme_shows_a_session_by_line_30() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert any("2023-01-10T16:33:00+07:00" in line for line in lines[:30])


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, *(ROOT / "docs" / "decisions").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
