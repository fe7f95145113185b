"""A query as a value: as an address and as a command line, both ways."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import UsageError
from storage.query.options import query_options
from storage.query.query import CLOSED, ORDERS, SEVERAL, Query, from_url

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@st.composite
def queries(draw: Any) -> Query:
    values: dict[str, Any] = {
        name: tuple(
            draw(st.lists(st.sampled_from(CLOSED[name]) if name in CLOSED else TEXT, max_size=2))
        )
        for name in SEVERAL
    }
    days = st.none() | st.dates().map(str) | st.sampled_from(["2022", "2022-06"])
    words = " ".join(draw(st.lists(TEXT, max_size=3))).strip()
    once = {"order": draw(st.sampled_from(ORDERS)), "alike_once": draw(st.booleans())}
    return Query(words, **values, since=draw(days), until=draw(days), **once)


@given(query=queries())
def test_a_query_is_read_back_from_its_address(query: Query) -> None:
    assert from_url(query.as_url()) == query
    assert from_url(f"https://example.vn/tim?{query.as_url()}") == query


def read_command(line: str) -> Query:
    asked: list[Query] = []
    app = typer.Typer()

    @app.command()
    @query_options
    def ask(query: Query) -> None:
        asked.append(query)

    program, verb, *arguments = shlex.split(line)
    assert (program, verb) == ("tinhuyen", "search")
    with pytest.raises(SystemExit) as ended:
        app(arguments)
    assert ended.value.code == 0
    return asked[0]


@given(query=queries())
@settings(max_examples=40)
def test_a_query_is_read_back_from_its_command_line(query: Query) -> None:
    assert read_command(query.as_command()) == query


def test_how_a_query_is_written() -> None:
    query = Query.of("huyện uỷ", site="demo", since="2022", having=["images", "date"])
    assert query.as_command() == (
        "tinhuyen search --site=demo --since=2022 --having=images --having=date -- 'huyện uỷ'"
    )
    assert Query().as_url() == "" and Query().as_command() == "tinhuyen search"


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "hôm qua"},
        {"order": "fame"},
        {"having": "luck"},
        {"precision": "hour"},
        {"organ": "xã"},
        {"flag": "red"},
    ],
    ids=str,
)
def test_values_that_no_field_may_have_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Query.of("", **wrong)


def test_an_address_with_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="colour"):
        from_url("colour=red")
