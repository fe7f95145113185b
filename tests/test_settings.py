"""Every setting of ours stands in docs/operators.md, with its default where it is a number."""

from __future__ import annotations

import re

import pytest
from scrapy.settings import default_settings

from crawler import settings
from crawler.images import IMAGE_MAX_PIXELS
from storage.http import DECODED_MAX_BYTES
from tests.conftest import ROOT

OURS = [name for name in dir(settings) if name.isupper() and not hasattr(default_settings, name)]
PAGE = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in OURS if name != "VERSION"])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", OURS)
def test_defaults_are_as_documented(name: str) -> None:
    value = getattr(settings, name)
    row = re.search(rf"^\| `{name}` \|[^|]*\| ([\d.]+) \|", PAGE, re.MULTILINE)
    if row:
        assert float(row[1]) == value


def test_fixed_caps_are_as_documented() -> None:
    assert f"{DECODED_MAX_BYTES >> 20} MiB" in PAGE
    assert f"{IMAGE_MAX_PIXELS // 10**6} million pixels" in PAGE


def test_the_fault_table_names_tests_that_are_there() -> None:
    faults = PAGE.partition("## Faults")[2]
    named = set(re.findall(r"test_\w+", faults))
    assert named and all((ROOT / "tests" / f"{name}.py").is_file() for name in named)
