"""Every public name has its place in the documentation, and a docstring to show there."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import scgce

DOCS = Path(__file__).parents[1] / "docs"
ENTRY = re.compile(r"^\.\. (?:auto(?:function|class)|py:data):: (\w+)$", re.MULTILINE)
MODULES = ("tl", "get", "pl", "datasets", "encoders")


def _page(module: str) -> str:
    return (DOCS / "api" / f"{module}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_on_its_page_once(module: str) -> None:
    listed = ENTRY.findall(_page(module))
    assert sorted(listed) == sorted(importlib.import_module(f"scgce.{module}").__all__)


@pytest.mark.parametrize("module", MODULES)
def test_the_page_is_reached_from_the_overview(module: str) -> None:
    overview = (DOCS / "api.md").read_text(encoding="utf-8")
    assert f"(api/{module}.md)" in overview
    assert f"\napi/{module}\n" in overview
    assert f".. currentmodule:: scgce.{module}\n" in _page(module)


def test_the_report_is_on_the_overview() -> None:
    assert ENTRY.findall((DOCS / "api.md").read_text(encoding="utf-8")) == ["report"]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_docstring_of_its_own(module: str) -> None:
    public = importlib.import_module(f"scgce.{module}")
    bare = [
        name for name in public.__all__ if callable(getattr(public, name)) and not inspect.getdoc(getattr(public, name))
    ]
    assert bare == []


@pytest.mark.parametrize("page", ["method", "howto", "faq", "comparison", "programmes", "tutorials"])
def test_functions_named_in_prose_exist(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(tl|get|pl|datasets)\.([a-z_]+)\b", re.sub(r"sc\.\w+\.\w+", "", text)))
    missing = [f"{module}.{name}" for module, name in named if not hasattr(getattr(scgce, module), name)]
    assert missing == []


@pytest.mark.parametrize(
    "page",
    [
        "index",
        "method",
        "howto",
        "cli",
        "snakemake",
        "faq",
        "comparison",
        "programmes",
        "tutorials",
        "paper",
        "benchmarks",
        "contributing",
        "glossary",
        "reliability",
    ],
)
def test_pages_are_in_the_table_of_contents(page: str) -> None:
    assert (DOCS / f"{page}.md").is_file()
    contents = (DOCS / "index.md").read_text(encoding="utf-8")
    assert page == "index" or f"\n{page}\n" in contents


def test_every_command_is_on_its_page() -> None:
    from scgce.cli._config import COMMANDS

    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\.\. help-of:: ([\w-]+)$", page, re.MULTILINE)) == sorted([*COMMANDS, "scgce"])
