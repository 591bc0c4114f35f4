"""Cells stay possible: translated cells within each gene's observed range, by default and in everything reported."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.matrix.test_extremes import by_hand as range_by_hand

import scgce

OPTIONS = {"use_rep": "X_pca", "sparsity": (5, 20), "amplitude": 5.0, "judges": False}


@pytest.fixture(scope="module")
def explained(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.tgt(adata, "group", **OPTIONS)
    return adata


def reported_cells(adata: ad.AnnData, entry: dict, group: str) -> np.ndarray:
    wanted = (entry["split"] == 2) & (adata.obs["group"] == group).to_numpy()
    return adata.X[wanted].toarray().astype(np.float64)


def moved(x: np.ndarray, delta: np.ndarray, entry: dict) -> np.ndarray:
    """Every cell, every gene of the explanation, by the documented formula."""
    inside = np.minimum(np.maximum(x + delta, entry["low"]), entry["high"])
    return np.where(delta != 0, inside, x)


def scores(adata: ad.AnnData, entry: dict, delta_of) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 3 and 4 by brute force in gene space."""
    groups, centre = list(entry["groups"]), adata.X.toarray().astype(np.float64).mean(axis=0)
    cells = [reported_cells(adata, entry, name) for name in groups]
    correctness, coverage = np.full((2, len(groups), len(groups)), np.nan)
    for i, j in permutations(range(len(groups)), 2):
        there = (moved(cells[i], delta_of(i, j), entry) - centre) @ adata.varm["PCs"]
        near = cdist(there, (cells[j] - centre) @ adata.varm["PCs"]) <= entry["epsilon"]
        correctness[i, j], coverage[i, j] = near.any(axis=1).mean(), near.any(axis=0).mean()
    return correctness, coverage


def deltas(adata: ad.AnnData, i: int, j: int, **options) -> np.ndarray:
    groups = adata.uns["tgt"]["groups"]
    frame = scgce.get.explanation(adata, groups[i], groups[j], **options).set_index("gene")
    return frame["delta"].reindex(adata.var_names, fill_value=0.0).to_numpy()


def test_the_range_is_that_of_the_fitting_cells(explained: ad.AnnData) -> None:
    entry = explained.uns["tgt"]
    assert entry["params"]["clip"] == "range"
    expected = np.array([range_by_hand(column) for column in explained.X[entry["split"] == 0].toarray().T])
    np.testing.assert_allclose(np.stack([entry["low"], entry["high"]], axis=1), expected, rtol=1e-6)


@pytest.mark.parametrize("k", OPTIONS["sparsity"])
@pytest.mark.parametrize("consistent", [False, True])
def test_metrics_are_those_of_possible_cells(explained: ad.AnnData, k: int, consistent: bool) -> None:
    found = scores(
        explained, explained.uns["tgt"], lambda i, j: deltas(explained, i, j, sparsity=k, consistent=consistent)
    )
    at, prefix = OPTIONS["sparsity"].index(k), "consistent_" if consistent else ""
    for name, expected in zip(("correctness", "coverage"), found, strict=True):
        stored = explained.uns["tgt"]["sweep"][prefix + name][at]
        off = ~np.eye(len(stored), dtype=bool)
        np.testing.assert_allclose(stored[off], expected[off], atol=0.06)  # one cell may lie at ε to rounding
        assert abs(stored[off].mean() - expected[off].mean()) < 0.006


@pytest.mark.parametrize("consistent", [False, True])
def test_changes_are_what_really_happens_to_the_reported_cells(explained: ad.AnnData, consistent: bool) -> None:
    entry = explained.uns["tgt"]
    for i, j in permutations(range(len(entry["groups"])), 2):
        for k in OPTIONS["sparsity"]:
            options = {"sparsity": k, "consistent": consistent}
            frame = scgce.get.explanation(explained, entry["groups"][i], entry["groups"][j], **options)
            x, genes = (
                reported_cells(explained, entry, entry["groups"][i]),
                explained.var_names.get_indexer(frame["gene"]),
            )
            after = moved(x, deltas(explained, i, j, **options), entry)
            np.testing.assert_allclose(frame["change"], (after - x).mean(0)[genes], atol=1e-5)
            np.testing.assert_allclose(frame["mean_after"], after.mean(0)[genes], atol=1e-5)
            assert (frame["mean_after"] >= entry["low"][genes]).all() and (
                frame["mean_after"] <= entry["high"][genes]
            ).all()
            assert (frame["change"].abs() <= frame["delta"].abs() + 1e-6).all()
    pairs = scgce.get.pairs(explained, consistent=consistent)
    first = scgce.get.explanation(explained, *entry["groups"][:2], consistent=consistent)
    here = (pairs["source"] == entry["groups"][0]) & (pairs["target"] == entry["groups"][1])
    np.testing.assert_array_equal(pairs.loc[here, "change"], first["change"])


def test_it_reads_without_the_matrix_from_a_file(explained: ad.AnnData, tmp_path: Path) -> None:
    bare = ad.AnnData(obs=explained.obs, var=explained.var, uns={"tgt": explained.uns["tgt"]})
    bare.write_h5ad(tmp_path / "bare.h5ad")
    again, groups = ad.read_h5ad(tmp_path / "bare.h5ad"), explained.uns["tgt"]["groups"]
    for one, other in ((again, explained),):
        frame, expected = (scgce.get.explanation(a, groups[0], groups[2]) for a in (one, other))
        np.testing.assert_array_equal(frame["change"], expected["change"])
        np.testing.assert_array_equal(frame["mean_after"], expected["mean_after"])


def test_without_bounds_the_change_is_the_amount(blobs: ad.AnnData) -> None:
    adata = scgce.tl.tgt(blobs, "group", **OPTIONS | {"sparsity": 5}, method="truncate", clip=None, copy=True)
    frame = scgce.get.pairs(adata)
    np.testing.assert_allclose(frame["change"], frame["delta"])
    assert "changes" not in adata.uns["tgt"]["sweep"]


def test_the_difference_of_means_is_moved_by_its_best_factor(explained: ad.AnnData) -> None:
    entry, sweep = explained.uns["tgt"], explained.uns["tgt"]["sweep"]
    means = entry["means"].astype(np.float64)
    for at, k in enumerate(OPTIONS["sparsity"]):
        factor = sweep["dbm_factor"][at]
        assert 1 <= factor <= OPTIONS["amplitude"]

        def delta_of(i: int, j: int, k: int = k, factor: float = factor) -> np.ndarray:
            real = means[j] - means[i]
            kept = np.argsort(-np.abs(real), kind="stable")[:k]
            return np.where(np.isin(np.arange(len(real)), kept), factor * real, 0.0)

        found = scores(explained, entry, delta_of)
        for name, expected in zip(("correctness", "coverage"), found, strict=True):
            off = ~np.eye(len(expected), dtype=bool)
            assert abs(sweep[f"dbm_scaled_{name}"][at][off].mean() - expected[off].mean()) < 0.006
    frame = scgce.get.sweep(explained)
    np.testing.assert_array_equal(frame["dbm_factor"], sweep["dbm_factor"])
    assert {"dbm_scaled_correctness", "dbm_scaled_coverage"} <= set(frame)


def test_evaluate_takes_the_bounds_from_the_result(explained: ad.AnnData) -> None:
    again = scgce.tl.evaluate(explained, judges=False, copy=True).uns["tgt_evaluated"]
    assert again["params"]["clip"] == "range"
    for name in ("correctness", "coverage", "dbm_scaled_correctness"):
        np.testing.assert_array_equal(again["sweep"][name], explained.uns["tgt"]["sweep"][name])
    free = scgce.tl.evaluate(explained, judges=False, clip=False, copy=True).uns["tgt_evaluated"]
    assert free["params"]["clip"] == "none" and not np.array_equal(free["correctness"], again["correctness"])


def test_every_cell_of_a_judge_is_possible(explained: ad.AnnData) -> None:
    class Watching:
        def __init__(self) -> None:
            self.low, self.high = np.inf, -np.inf

        def predict(self, X: np.ndarray) -> np.ndarray:
            limits = explained.uns["tgt"]
            seen = explained.X.toarray()
            self.low = min(self.low, (X - np.minimum(limits["low"], seen.min(0))).min())
            self.high = max(self.high, (X - np.maximum(limits["high"], seen.max(0))).max())
            return np.full(len(X), "NK")

    judge = Watching()
    scgce.tl.evaluate(explained, judges={"own": judge}, copy=True)
    assert judge.low >= -1e-5 and judge.high <= 1e-5


@pytest.mark.parametrize("option", [{"clip": "zero"}, {"clip": True}, {"nonnegative": True}])
def test_bounds_at_zero_are_refused_where_values_are_negative(blobs: ad.AnnData, option: dict) -> None:
    adata = blobs.copy()
    adata.X = adata.X.toarray() - adata.X.toarray().mean(axis=0)
    with pytest.raises(ValueError, match=r"(zero'|=True), but adata.X has values below zero .*'range'"):
        scgce.tl.tgt(adata, "group", **OPTIONS, **option)
    assert "tgt" not in adata.uns


def test_negative_matrices_keep_their_own_range(blobs: ad.AnnData) -> None:
    adata = blobs.copy()
    adata.X = (adata.X.toarray() - adata.X.toarray().mean(axis=0)).astype(np.float32)
    scgce.tl.tgt(adata, "group", **OPTIONS | {"sparsity": 20})
    frame, entry = scgce.get.pairs(adata), adata.uns["tgt"]
    assert (entry["low"] < 0).all() and (frame["mean_after"] < 0).any()
    expected = np.array([range_by_hand(column) for column in adata.X[entry["split"] == 0].T])
    np.testing.assert_allclose(np.stack([entry["low"], entry["high"]], axis=1), expected, rtol=1e-6)


def test_results_of_earlier_versions_still_read(explained: ad.AnnData) -> None:
    old = explained.copy()
    entry = old.uns["tgt"]
    for name in ("low", "high", "reported_means"):
        del entry[name]
    for name in [name for name in entry["sweep"] if name.startswith(("changes", "dbm_scaled", "dbm_factor"))]:
        del entry["sweep"][name]
    entry["params"]["clip"] = True
    frame = scgce.get.explanation(old, *entry["groups"][:2])
    assert frame["change"].isna().all() and frame["mean_after"].isna().all()
    assert scgce.get.sweep(old)["dbm_factor"].isna().all()
    assert scgce.tl.evaluate(old, judges=False, copy=True).uns["tgt_evaluated"]["params"]["clip"] == "zero"
    with pytest.raises(ValueError, match="clip='range': the explanation was made by an earlier version"):
        scgce.tl.evaluate(old, judges=False, clip="range")
