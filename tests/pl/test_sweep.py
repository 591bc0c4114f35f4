"""Scores against sparsity."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, store_result
from tests.pl._legible import assert_legible, drawn_texts

from scgce import get, pl
from scgce.pl._sweep import sweep_data


@pytest.fixture
def adata():
    return store_result(blobs(), sparsities=(1, 2, 5, 30), selected=5)


def test_data_are_the_sweep(adata):
    frame = sweep_data(adata)
    table = get.sweep(adata).set_index("sparsity")
    for record in frame.to_dict("records"):
        assert record["value"] == table.loc[record["sparsity"], record["score"]]
    assert frame["score"].value_counts().to_dict() == dict.fromkeys(
        ["correctness", "coverage", "judge_logreg", "judge_knn", "dbm_correctness", "dbm_coverage"], 4
    ) | dict.fromkeys(["self_similarity", "judge_logreg_ceiling", "judge_knn_ceiling"], 4) | {"similarity": 3}
    assert set(frame.loc[frame["selected"], "sparsity"]) == {5}
    own = sweep_data(adata, include_self=True)
    assert not np.allclose(own["value"], frame["value"])


def test_lines_are_the_data(adata):
    axes = pl.sweep(adata)
    for ax, score in zip(axes, ("dbm_correctness", "dbm_coverage", "judge_knn"), strict=True):
        lines = {tuple(np.round(line.get_ydata(), 9)) for line in ax.lines}
        assert tuple(np.round(get.sweep(adata)[score], 9)) in lines
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "5", "all"]


@pytest.mark.parametrize("same", [True, False])
def test_names_at_the_ends_are_legible(adata, same):
    if same:
        for name, block in adata.uns["tgt"]["sweep"].items():
            if name not in ("sparsity", "lam", "similarity", "deltas"):
                block[:] = 0.5
    figure = pl.sweep(adata, return_fig=True)
    assert_legible(figure)
    assert {"ours", "difference of means", "regression", "similarity"} <= {text for text, _ in drawn_texts(figure)}


def test_one_sparsity_and_few_scores():
    adata = store_result(blobs(), sparsities=(5,))
    for name in [name for name in adata.uns["tgt"]["sweep"] if name.startswith(("judge", "dbm", "validation"))]:
        del adata.uns["tgt"]["sweep"][name]
    figure = pl.sweep(adata, return_fig=True)
    assert_legible(figure)
    assert not any("means" in text for text, _ in drawn_texts(figure))
