"""The embeddings' benchmark: its scores, and what its committed tables say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks._cells import drawn  # noqa: E402
from benchmarks.embeddings import METHODS, RESULTS, SETS  # noqa: E402


def test_a_fifth_of_every_label_is_drawn() -> None:
    groups = pd.Series(np.repeat(["a", "b", "c"], [100, 50, 10]), dtype="category")
    held_out = drawn(groups, 0.2, seed=0)
    assert [int(held_out[groups == group].sum()) for group in "abc"] == [20, 10, 2]


@pytest.fixture
def quality() -> pd.DataFrame:
    """The committed table, one row for every data set and method."""
    return pd.read_csv(RESULTS).set_index(["data", "method"])


def test_every_method_was_run_on_every_set(quality: pd.DataFrame) -> None:
    assert set(quality.index) == {(name, method) for name in SETS for method in METHODS}
    assert quality[["label_accuracy", "trustworthiness", "seconds"]].notna().all(axis=None)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method", ["scvis", "umap_loss"])
def test_parametric_maps_are_as_good_as_umap(quality: pd.DataFrame, name: str, method: str) -> None:
    row = quality.loc[(name, method)]
    assert row["label_accuracy"] >= quality.loc[(name, "umap"), "label_accuracy"] - 0.02


def test_the_page_says_which_maps_lose_accuracy_on_held_out_cells(quality: pd.DataFrame) -> None:
    lost = quality["training_accuracy"] - quality["held_out_accuracy"]
    assert set(lost.index[lost > 0.03]) == {("paul15", "distilled_umap"), ("paul15", "umap_loss")}
