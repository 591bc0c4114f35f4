"""Metrics and sweeps as frames."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from tests._results import blobs, store_result

from scgce import get

SCORES = ["correctness", "coverage", "judge_logreg", "judge_knn", "percent_explained"]


@pytest.fixture
def adata():
    return store_result(blobs())


def test_one_row_per_ordered_pair(adata):
    frame = get.metrics(adata)
    stored = adata.uns["tgt"]
    ceilings = ["judge_logreg_ceiling", "judge_knn_ceiling"]
    assert list(frame.columns) == [
        "source",
        "target",
        "n_genes",
        *SCORES[:2],
        "self_similarity",
        *SCORES[2:4],
        *ceilings,
        SCORES[4],
    ]
    assert list(zip(frame["source"], frame["target"], strict=True)) == list(permutations(stored["groups"], 2))
    rows = {name: i for i, name in enumerate(stored["groups"])}
    for record in frame.to_dict("records"):
        at = rows[record["source"]], rows[record["target"]]
        assert [record[name] for name in SCORES] == [stored[name][at] for name in SCORES]
        assert record["self_similarity"] == stored["correctness"][at[1], at[1]]
        assert record["n_genes"] == len(get.explanation(adata, record["source"], record["target"]))


def test_diagonal_on_request(adata):
    frame = get.metrics(adata, include_self=True)
    assert len(frame) == 16
    same = frame[frame["source"] == frame["target"]]
    np.testing.assert_array_equal(same["correctness"], np.diag(adata.uns["tgt"]["correctness"]))
    assert (same["n_genes"] == 0).all()


def test_another_sparsity_reads_the_sweep(adata):
    frame = get.metrics(adata, sparsity=2)
    expected = adata.uns["tgt"]["sweep"]["coverage"][1]
    np.testing.assert_array_equal(frame["coverage"], expected[~np.eye(4, dtype=bool)])
    assert frame["percent_explained"].isna().all()
    assert (frame["n_genes"] == 2).all()


def test_further_judges_get_a_column(adata):
    adata.uns["tgt"]["judge_forest"] = np.full((4, 4), 0.25)
    adata.uns["tgt"]["sweep"]["judge_forest"] = np.full((3, 4, 4), 0.5)
    assert list(get.metrics(adata).columns)[-3:-1] == ["judge_knn_ceiling", "judge_forest_ceiling"]
    assert (get.metrics(adata)["judge_forest_ceiling"] == 0.25).all()
    assert (get.metrics(adata)["judge_forest"] == 0.25).all()
    assert get.sweep(adata)["judge_forest"].tolist() == [0.5, 0.5, 0.5]


def test_stored_number_of_genes_is_preferred(adata):
    adata.uns["tgt"]["n_genes"] = np.arange(16).reshape(4, 4)
    assert get.metrics(adata)["n_genes"].tolist() == [i for i in range(16) if i % 5]


@pytest.mark.parametrize("include_self", [True, False])
def test_sweep_averages_over_pairs(adata, include_self):
    frame = get.sweep(adata, include_self=include_self)
    stored = adata.uns["tgt"]["sweep"]
    assert list(frame.columns)[:8] == [
        "sparsity",
        "lam",
        "correctness",
        "coverage",
        "self_similarity",
        "similarity",
        "dbm_correctness",
        "dbm_coverage",
    ]
    for name in ("correctness", "dbm_coverage", "judge_knn", "validation_correctness"):
        for row, block in enumerate(stored[name]):
            values = [block[i, j] for i in range(4) for j in range(4) if include_self or i != j]
            assert frame[name][row] == pytest.approx(sum(values) / len(values), abs=1e-15)
    assert frame["similarity"][:2].tolist() == stored["similarity"].tolist()
    assert np.isnan(frame["similarity"][2])
    assert frame["selected"].tolist() == [False, False, True]


def test_sweep_skips_pairs_without_a_score(adata):
    block = adata.uns["tgt"]["sweep"]["judge_knn"]
    block[0] = np.nan
    block[1, 0, 1] = np.nan
    frame = get.sweep(adata)
    assert np.isnan(frame["judge_knn"][0])
    assert frame["judge_knn"][1] == pytest.approx(np.nanmean(block[1][~np.eye(4, dtype=bool)]))


def test_sweep_without_optional_fields(adata):
    for name in ("judge_logreg", "lam", "similarity"):
        del adata.uns["tgt"]["sweep"][name]
    frame = get.sweep(adata)
    assert frame[["judge_logreg", "lam", "similarity"]].isna().all(axis=None)
    assert frame["correctness"].notna().all()


def test_mistakes(adata):
    with pytest.raises(ValueError, match=r"sparsity=7.*found: 1, 2, 5"):
        get.metrics(adata, sparsity=7)
    with pytest.raises(KeyError, match="found: tgt"):
        get.sweep(adata, key="other")
    del adata.uns["tgt"]["sweep"]
    with pytest.raises(KeyError, match="no sweep"):
        get.sweep(adata)
    assert len(get.metrics(adata)) == 12
