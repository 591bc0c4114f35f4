"""Results side by side."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from tests._results import blobs, store_result

import scgce
from scgce import get


@pytest.fixture
def adata():
    adata = store_result(blobs())
    store_result(adata, key="dbm", pair_cut=False, sparsities=(2, 5), seed=7)
    adata.uns["dbm"]["params"].update(method="dbm", amplitude=3.0)
    return adata


def test_mean_metrics_of_every_sparsity(adata):
    frame = get.compare(adata, ["tgt", "dbm"])
    assert frame[["key", "sparsity"]].to_numpy().tolist() == [
        ["tgt", 1],
        ["tgt", 2],
        ["tgt", 5],
        ["dbm", 2],
        ["dbm", 5],
    ]
    assert frame["method"].tolist() == ["truncate"] * 3 + ["dbm"] * 2
    assert frame["amplitude"].isna().tolist() == [True] * 3 + [False] * 2
    assert frame["selected"].tolist() == [False, False, True, False, True]
    for record in frame.to_dict("records"):
        alone = get.metrics(adata, sparsity=record["sparsity"], key=record["key"])
        for name in ("n_genes", "correctness", "coverage", "judge_knn"):
            assert record[name] == pytest.approx(alone[name].mean())
    everything = get.compare(adata, ["dbm"], include_self=True)
    assert everything["correctness"].iloc[1] == pytest.approx(adata.uns["dbm"]["correctness"].mean())


def test_one_string_is_no_list(adata):
    with pytest.raises(TypeError, match=r"keys='tgt'.*\['tgt', 'dbm'\]"):
        get.compare(adata, "tgt")
    with pytest.raises(ValueError, match=r"keys=\[\]"):
        get.compare(adata, [])
    with pytest.raises(KeyError, match="found: tgt, dbm"):
        get.compare(adata, ["tgt", "wilcoxon"])


def test_changes_join_by_pair_and_gene(adata):
    frame = get.changes(adata, other_key="dbm", other_sparsity=2)
    left = get.pairs(adata).set_index(["source", "target", "gene"])["delta"]
    right = get.pairs(adata, key="dbm", sparsity=2).set_index(["source", "target", "gene"])["delta"]
    index = left.index.union(right.index)
    assert len(frame) == len(index)
    got = frame.set_index(["source", "target", "gene"])
    np.testing.assert_array_equal(got["delta"].reindex(index), left.reindex(index).fillna(0))
    np.testing.assert_array_equal(got["delta_other"].reindex(index), right.reindex(index).fillna(0))
    np.testing.assert_allclose(frame["change"], frame["delta_other"] - frame["delta"])
    for _, part in frame.groupby(["source", "target"]):
        np.testing.assert_allclose(part["relative_change"], part["change"].abs() / part["delta"].abs().max())
    order = list(adata.uns["tgt"]["groups"])
    assert frame["source"].drop_duplicates().tolist() == order


def test_changes_compare_equal_numbers_of_genes(adata):
    by = ["source", "target"]
    same = get.changes(adata, other_key="dbm", sparsity=2)
    assert (same[same["delta_other"] != 0].groupby(by).size() == 2).all()
    lone = get.changes(adata, other_key="dbm", sparsity=1)  # which the other does not have
    assert (lone[lone["delta_other"] != 0].groupby(by).size() == 5).all()


def test_changes_between_two_objects_keep_the_common_groups(adata):
    same = get.changes(adata, adata.copy())
    assert (same["relative_change"] == 0).all()
    other = store_result(blobs(3))
    frame = get.changes(adata, other)
    assert set(frame["source"]) == set(other.uns["tgt"]["groups"])


def test_an_unexplained_pair_has_no_relative_change(adata):
    adata.uns["tgt"]["deltas"][:] = 0
    frame = get.changes(adata, other_key="dbm")
    assert len(frame) > 0
    assert frame["relative_change"].isna().all()


def test_changes_mistakes(adata):
    with pytest.raises(ValueError, match="same result"):
        get.changes(adata)
    other = adata.copy()
    other.uns["tgt"]["groups"] = np.array(["a", "b", "c", "Dendritic"], dtype=object)
    with pytest.raises(ValueError, match="1 groups in common"):
        get.changes(adata, other)


def test_the_difference_of_means_stands_beside_every_result(blobs: ad.AnnData) -> None:
    how = {"use_rep": "X_pca", "sparsity": [2, 4], "judges": False}
    scgce.tl.tgt(blobs, "group", **how, method="truncate")
    scgce.tl.dbm(blobs, "group", **how)
    found = scgce.get.compare(blobs, ["tgt", "dbm"]).set_index(["key", "sparsity"])
    for key in ("tgt", "dbm"):
        swept = scgce.get.sweep(blobs, key=key).set_index("sparsity")
        for name in ("dbm_correctness", "dbm_scaled_correctness", "dbm_scaled_coverage", "dbm_factor"):
            assert found.loc[key, name].tolist() == swept[name].tolist()
