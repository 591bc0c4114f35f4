"""The glossary has every column of every frame and every field that is stored, and nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd
import pytest
from tests.contract._api import TABLE, at_hand, call

PAGE = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[^|]*`) \| ([^|]+) \|", re.MULTILINE)
WIDE = {"get.deltas", "get.codebook"}
"""Their columns are names of genes and groups."""
FRAMES = sorted(name for name in at_hand(TABLE) if name.startswith("get."))


def _terms(text: str) -> set[str]:
    return {term for cell, _ in ROW.findall(text) for term in re.findall(r"`([^`]+)`", cell)}


def _section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/glossary.md has no section {title!r}"
    return found[1]


@pytest.fixture(scope="module")
def ready(results: ad.AnnData) -> ad.AnnData:
    """Every result, one of `tl.tgt` with the consistent variant beside its own."""
    adata = results.copy()
    call("tl.tgt", adata, method="refine", sparsity=2, judges=False, key_added="refined")
    return adata


@pytest.fixture(scope="module")
def columns(ready: ad.AnnData) -> dict[str, set[str]]:
    """Columns of every frame."""
    found = {name: _columns(call(name, ready)) for name in FRAMES if name not in WIDE}
    refined = {f"{name} refined": _columns(call(name, ready, key="refined")) for name in ("get.metrics", "get.sweep")}
    return found | refined


def _columns(frame: Any) -> set[str]:
    return {str(column) for column in frame.columns} if isinstance(frame, pd.DataFrame) else set()


def test_every_column_has_its_sentence(columns: dict[str, set[str]]) -> None:
    terms = _terms(_section("Columns"))
    missing = {name: sorted(c for c in own if not any(fnmatch(c, t) for t in terms)) for name, own in columns.items()}
    assert {name: names for name, names in missing.items() if names} == {}


def _fields(entry: Mapping[str, Any], above: str = "") -> set[str]:
    found = set()
    for name, value in entry.items():
        found.add(f"{above}{name}")
        if isinstance(value, Mapping) and name in {"params", "sweep", "path", "evidence", "stability"}:
            found |= _fields(value, f"{above}{name}.")
    return found


def _stored(adata: ad.AnnData) -> set[str]:
    return set().union(*(_fields(adata.uns[key]) for key in ("tgt", "refined", "dbm")))


def test_every_stored_field_has_its_sentence(ready: ad.AnnData) -> None:
    terms = _terms(_section("What is stored"))
    missing = sorted(f for f in _stored(ready) if not any(fnmatch(f, term) for term in terms))
    assert missing == []


# Of results in programmes and of panels without an explanation, which this test's data do not have.
# Columns that only results in programmes, and panels whose size is chosen, have.
ELSEWHERE = {
    "validation",
    "n_programs",
    "level_source",
    "level_target",
    "count_*",
    "cost",
    "fixed",
    "highest",
    "helps_source",
    "helps_target",
    "bound",
}
ELSEWHERE |= {"p_random", "evidence.p_random*", "evidence.random_genes"}
ELSEWHERE |= {f"{what}random_{score}" for what in ("", "p_", "evidence.") for score in ("correctness", "coverage")}
# Only where some pairs were asked for.
ELSEWHERE |= {"asked", "donor_evidence", "donor_evidence.*"}


def test_nothing_is_explained_that_is_not_there(ready: ad.AnnData, columns: dict[str, set[str]]) -> None:
    shown = {column for own in columns.values() for column in own}
    for title, names in (("Columns", shown), ("What is stored", _stored(ready))):
        idle = sorted(t for t in _terms(_section(title)) if not any(fnmatch(name, t) for name in names))
        assert set(idle) <= ELSEWHERE, title


def test_a_sentence_says_which_way_is_good() -> None:
    for title in ("Columns", "What is stored"):
        rows = [line for line in _section(title).splitlines() if line.startswith("| `")]
        assert all(len(line.strip("|").split("|")) in {2, 4} and line.rstrip().endswith("|") for line in rows)
