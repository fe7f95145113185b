"""docs/deploy, as far as it can be tested without a container engine and systemd: what its files
name is there. Nothing is built here; docs/operators.md says what was, by hand.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from crawler.cli import app
from tests.conftest import ROOT

DEPLOY = ROOT / "docs" / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
COMPOSED = sorted(DEPLOY.glob("compose*.yaml"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
STAGES = set(re.findall(r"^FROM \S+ AS (\S+)$", CONTAINERFILE, re.MULTILINE))
OPERATORS = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
OTHERS = {
    "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD",  # the image's own
    "PGPASSWORD",  # libpq's
    "PYTHONUNBUFFERED",
}  # fmt: skip
OF_COMPOSE = {"TINHUYEN_DATABASE_LISTEN", "TINHUYEN_DATABASE_HOST", "MACHINE"}
"""Filled in by compose itself, and said where they stand."""


def services(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return found


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line of ours, with the file that it stands in."""
    for line in re.findall(r"^CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE):
        yield "Containerfile", json.loads(line)
    for path in COMPOSED:
        for service in services(path).values():
            if "build" in service:
                yield path.name, service["command"]
    for path in DEPLOY.glob("*.service"):
        for line in re.findall(r"^ExecStart=\S*/tinhuyen (.*)$", path.read_text(), re.MULTILINE):
            yield path.name, shlex.split(line)
    for line in re.findall(r"podman run .*? tinhuyen-\w+ (.*)", CONTAINERFILE):
        yield "Containerfile", shlex.split(line)


@pytest.mark.parametrize(("file", "words"), list(commands()))
def test_every_command_is_one_of_ours(file: str, words: list[str]) -> None:
    command: Any = get_command(app)
    context = command.make_context("tinhuyen", list(words))
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = command.make_context(name, rest, parent=context)
    assert command.callback is not None and not context.args


def test_there_is_a_container_for_every_role() -> None:
    first, worker = services(DEPLOY / "compose.yaml"), services(DEPLOY / "compose.worker.yaml")
    assert set(first) == {"database", "scheduler", "web"} and set(worker) == {"worker"}
    ours = {name: service for name, service in (first | worker).items() if "build" in service}
    for name, service in ours.items():
        assert service["build"]["target"] == name in STAGES
        folder = DEPLOY / service["build"]["context"]
        assert (folder / service["build"]["dockerfile"]).resolve() == DEPLOY / "Containerfile"
        assert (folder / "pyproject.toml").is_file()
        assert service["volumes"] == ["archive:/archive"]
    assert "build" not in first["database"]


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_variable_is_known(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:TINHUYEN|POSTGRES|PG|PYTHON)[A-Z_]+\b(?=[=:}?-])", text))
    documented = {name for name in named if f"| `{name}` |" in OPERATORS}
    assert named - documented <= OTHERS | OF_COMPOSE


@pytest.mark.parametrize("path", COMPOSED, ids=[path.name for path in COMPOSED])
def test_what_compose_names_is_there(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for service in content["services"].values():
        assert (DEPLOY / f"{service['env_file']}.example").is_file()
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in content["volumes"]
        for needed in service.get("depends_on", ()):
            assert "healthcheck" in content["services"][needed]
    assert set(re.findall(r"\$\{(\w+)", path.read_text(encoding="utf-8"))) <= OF_COMPOSE


def test_the_builder_is_given_what_is_installed_and_nothing_else() -> None:
    """What is copied stays in a layer: an archive that lies here, or the password, never may."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    given = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    named = {project["project"]["readme"], *project["project"]["license-files"]}
    named |= {name.rstrip("*") for name in packages}
    assert given == named | {"pyproject.toml", "constraints.txt"}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "docs/deploy/tinhuyen.env" in ignored


def test_the_password_is_in_no_address() -> None:
    for path in FILES:
        assert not re.search(r"postgresql\S*://[^@\s]*:[^@\s]*@", path.read_text(encoding="utf-8"))
