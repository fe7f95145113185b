"""docs/replay.md: what it shows of requests and answers is asked and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import ROOT, TestArchive
from tests.serving import served
from tests.test_docs import matches

PAGE = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```http\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def replay(demo_archive: TestArchive) -> Iterator[httpx.Client]:
    with served(demo_archive, "replay") as server:
        yield server.replay


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0] for block in BLOCKS])
def test_answers_are_as_shown(replay: httpx.Client, block: str) -> None:
    asked, told, *body = block.rstrip("\n").split("\n\n", 2)
    (method, path), *given = (line.split(" ", 1) for line in asked.split("\n"))
    headers = {name.rstrip(":"): value for name, value in given}
    answer = replay.request(method, path, headers=headers)
    status, *shown = told.split("\n")
    assert status == f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"
    for line in shown:
        name, _, value = line.partition(": ")
        assert matches([value], answer.headers[name]), line
    if body:
        assert matches(body[0].split("\n"), answer.text.rstrip("\n"))
