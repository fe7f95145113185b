"""A statement looked at before a database sees it: one SELECT; functions that do no harm.

On SQLite names and functions are checked by SQLite's own compiler (sqlite.py), and only the first
word here. PostgreSQL has no such hook. There the login's own rights keep everything else shut
(postgres.py), and this keeps out what PostgreSQL lets every login do: catalogs, settings, large
objects, sleeping, strings of a gigabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from storage.query.sql.refused import ONLY_VIEWS, Refused

_FUNCTIONS = frozenset(
    "abs avg count max min sum round ceil ceiling floor mod power sqrt exp ln log sign trunc"
    " coalesce nullif length octet_length lower upper trim ltrim rtrim substr substring replace"
    " concat concat_ws string_agg row_number rank dense_rank percent_rank cume_dist ntile lag lead"
    " first_value last_value nth_value random json_object json_array_length date"
    " current_date current_time current_timestamp cast".split()
)
SQLITE_FUNCTIONS = _FUNCTIONS | frozenset(
    "total ifnull iif likely unlikely instr like glob group_concat typeof quote hex"
    " unicode char json json_array json_extract json_type json_valid json_each json_tree -> ->>"
    " json_group_array json_group_object json_quote time datetime julianday strftime unixepoch"
    " pow log10 log2 pi degrees radians".split()
)
"""Strings that these make are bounded by SQLite's own limit."""
_POSTGRES_FUNCTIONS = _FUNCTIONS | frozenset(
    "char_length character_length position strpos left right reverse split_part btrim initcap"
    " starts_with chr ascii md5 overlay regexp_match regexp_matches regexp_replace regexp_count"
    " regexp_substr regexp_split_to_table regexp_split_to_array array_agg array_length"
    " array_to_string string_to_array cardinality unnest generate_series json_agg"
    " json_object_agg json_build_object json_build_array json_array_elements json_typeof"
    " json_array_elements_text json_each json_each_text json_extract_path json_extract_path_text"
    " to_char to_date to_timestamp date_part date_trunc extract age make_date greatest least"
    " bool_and bool_or every percentile_cont percentile_disc mode stddev variance corr grouping"
    " row array".split()
)
_TYPES = frozenset("varchar char character varying numeric decimal timestamp time bit".split())
_WORDS_BEFORE_BRACKETS = frozenset(
    "select from where join on using by and or not in any some all exists as is then else when case"
    " between like ilike similar over filter within group union except intersect distinct having"
    " values limit offset lateral materialized interval partition rollup cube sets with"
    " recursive order fetch range rows preceding following".split()
)
_FORBIDDEN = frozenset(
    "into information_schema regclass regproc regprocedure regoper regoperator regtype regrole"
    " regnamespace regconfig regdictionary regcollation".split()
)
"""Besides what begins with pg_. Types of the second kind look names up in catalogs."""
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      |(?P<string>'(?:[^']|'')*')
      |(?P<name>"(?:[^"]|"")+"|[^\W\d]\w*)
      |(?P<number>\d[\w.]*)
      |(?P<sign>[(),.;]|[-+*/%<>=~!@\#&|^?:\[\]]+)
      |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def check_begins(statement: str) -> None:
    """Raise Refused unless the statement is a query by its first word."""
    rest = re.sub(r"\A(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", "", statement, flags=re.DOTALL)
    first = re.match(r"\w*", rest)
    word = first[0].upper() if first else ""
    if word not in ("SELECT", "WITH", "VALUES"):
        begins = f"this begins with {word or 'nothing that is a word'}"
        raise Refused(f"{ONLY_VIEWS}; {begins}.")


def check_postgres(statement: str) -> None:
    """Raise Refused for what is not plain SQL with functions of the list.

    Stricter than PostgreSQL's own reading: where the two could differ (nested comments, dollar
    quotes, strings with a prefix) it is refused.
    """
    tokens = list(_tokens(statement))
    for number, (kind, text) in enumerate(tokens):
        if kind != "name":
            continue
        name = text.strip('"').lower()
        if name.startswith("pg_") or name in _FORBIDDEN:
            raise Refused(f"{text} is not answered here. {ONLY_VIEWS}.")
        if tokens[number + 1 : number + 2] == [("sign", "(")]:
            _check_call(text, tokens[number - 1][1].lower() if number else "")


def _check_call(text: str, before: str) -> None:
    """A name before a bracket: a function, unless something is being named or a word stands so."""
    word = text.lower()
    if before in ("as", "recursive", "with") or word in _WORDS_BEFORE_BRACKETS | _TYPES:
        return
    if text.strip('"').lower() not in _POSTGRES_FUNCTIONS:
        raise Refused(f"the function {text} is not among those answered here (docs/researchers.md)")


def _tokens(statement: str) -> Iterator[tuple[str, str]]:
    """Names, strings, numbers and signs, without spaces, comments and the last semicolon."""
    before, ended = "", False
    for match in _TOKEN.finditer(statement):
        kind, text = str(match.lastgroup), match[0]
        if kind == "other" or (kind == "sign" and ("/*" in text or "--" in text)):
            raise Refused(
                f"{text!r} is not answered here: comments are written with -- and a space"
            )
        if text[0] in "'\"" and (before[-1:].isalnum() or before[-1:] in ("&", "_")):
            raise Refused("a string or name with a prefix is not answered here; use plain quotes")
        before = text
        if kind == "space":
            continue
        if ended:
            raise Refused("one statement at a time; nothing may follow the ;")
        ended = text == ";"
        if not ended:
            yield kind, text
