"""`tl.evidence` and its readers, on the exact linear map."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from tests._brief import thorough
from tests.tl._by_hand import assert_scored, delta, dense, members, scored

import scgce

DOSES = (0.0, 0.5, 1.0)
KEYS = ("tgt", "dbm", "lasso", "marker_tests")  # the last two are stored pair by pair


@pytest.fixture(scope="module")
def adata(_blobs: ad.AnnData) -> ad.AnnData:
    found = _blobs.copy()
    # unbounded and unclipped, so that translated cells can leave the data
    options = {"use_rep": "X_pca", "sparsity": (1, 10), "judges": False, "clip": None}
    with thorough():  # explained well, so that the null hypothesis can be rejected
        scgce.tl.tgt(found, "group", **options, method="truncate", amplitude=None)
    for baseline in (scgce.tl.dbm, scgce.tl.lasso, scgce.tl.marker_tests):
        baseline(found, "group", **options)
    for key in KEYS:
        scgce.tl.evidence(found, key, sparsity=10, doses=DOSES, n_permutations=39, threshold=0.9)
    return found


def test_one_row_a_pair_and_known_columns(adata: ad.AnnData) -> None:
    frame = scgce.get.evidence(adata)
    assert list(frame.columns) == [
        "source",
        "target",
        "off_manifold",
        "below_zero",
        "consistency_price",
        "p_correctness",
        "p_coverage",
        "p_floor",
        "best_dose",
    ]
    assert len(frame) == 12 and len(frame[["source", "target"]].drop_duplicates()) == 12


@pytest.mark.parametrize(("key", "at"), [("tgt", 0), ("tgt", 1), ("tgt", 2), ("lasso", 1), ("marker_tests", 2)])
def test_dose_curve_is_the_metrics_of_a_part_of_the_amount(adata: ad.AnnData, key: str, at: int) -> None:
    names = [str(g) for g in adata.uns[key]["groups"]]
    found = adata.uns[key]["evidence"]
    expected = scored(adata, key, 10, dose=DOSES[at])
    for name in ("correctness", "coverage"):
        expected[f"{name}_curve"] = [
            found[f"dose_{name}"][at, names.index(row.source), names.index(row.target)] for row in expected.itertuples()
        ]
    frame = expected[["source", "target"]].assign(
        correctness=expected["correctness_curve"], coverage=expected["coverage_curve"]
    )
    assert_scored(frame, expected[["source", "target", "correctness", "coverage"]])


def test_best_dose_is_where_the_curve_peaks(adata: ad.AnnData) -> None:
    found, frame = adata.uns["tgt"]["evidence"], scgce.get.evidence(adata)
    names = [str(g) for g in adata.uns["tgt"]["groups"]]
    for row in frame.itertuples():
        i, j = names.index(row.source), names.index(row.target)
        curve = found["dose_correctness"][:, i, j] + found["dose_coverage"][:, i, j]
        assert curve[DOSES.index(row.best_dose)] == curve.max()


@pytest.mark.parametrize("key", KEYS)
def test_share_below_zero_by_hand(adata: ad.AnnData, key: str) -> None:
    X, cells = dense(adata), members(adata, key, 2)
    for row in scgce.get.evidence(adata, key=key).itertuples():
        moved = delta(adata, row.source, row.target, key, 10)
        lowered = moved < 0
        share = (X[cells[row.source]][:, lowered] + moved[lowered] < -1e-6).mean() if lowered.any() else 0.0
        assert row.below_zero == pytest.approx(share, abs=0.01)


def test_cells_within_the_range_of_their_genes_are_never_below_zero(adata: ad.AnnData) -> None:
    found = adata.copy()
    scgce.tl.dbm(found, "group", use_rep="X_pca", sparsity=10, judges=False)
    scgce.tl.evidence(found, "dbm", doses=(1.0,), n_permutations=0)
    assert (scgce.get.evidence(found, key="dbm")["below_zero"] == 0).all()


def test_consistency_costs_and_only_where_there_is_a_lambda(adata: ad.AnnData) -> None:
    price = scgce.get.evidence(adata)["consistency_price"]
    assert price.min() >= 1
    assert price.max() > 1
    for key in ("dbm", "marker_tests"):
        assert scgce.get.evidence(adata, key=key)["consistency_price"].isna().all()


def test_triangles_close_only_where_there_is_a_basis(adata: ad.AnnData) -> None:
    assert adata.uns["lasso"]["evidence"]["triangle_error"] > 0
    whole = adata.copy()
    scgce.tl.tgt(whole, "group", use_rep="X_pca", sparsity=adata.n_vars, judges=False, key_added="whole")
    scgce.tl.evidence(whole, "whole", doses=(1.0,), n_permutations=0)
    assert whole.uns["whole"]["evidence"]["triangle_error"] == pytest.approx(0, abs=1e-5)


def test_off_manifold_is_larger_for_amounts_beyond_the_data(adata: ad.AnnData) -> None:
    far = adata.copy()
    far.uns["tgt"]["sweep"]["deltas"] = far.uns["tgt"]["sweep"]["deltas"] * np.float32(5)
    scgce.tl.evidence(far, sparsity=10, doses=(1.0,), n_permutations=0)
    near, further = (scgce.get.evidence(a)["off_manifold"] for a in (adata, far))
    assert (further > near).all()
    assert (near > 0).all()


def test_null_rejects_what_is_explained_and_not_what_is_not(adata: ad.AnnData) -> None:
    frame = scgce.get.evidence(adata)
    scores = scgce.get.metrics(adata, sparsity=10)
    explained = scores["correctness"].to_numpy() > 0.9
    assert explained.any()
    assert (frame.loc[explained, "p_correctness"] == 1 / 40).mean() > 0.5
    assert frame[["p_correctness", "p_coverage"]].stack().between(1 / 40, 1).all()
    without = scgce.tl.evidence(adata, n_permutations=0, doses=(1.0,), copy=True)
    assert scgce.get.evidence(without)["p_correctness"].isna().all()


def test_unexplained_pairs_are_those_below_the_threshold_worst_first(adata: ad.AnnData) -> None:
    listed = scgce.get.unexplained(adata, key="dbm")
    scores = scgce.get.metrics(adata, key="dbm", sparsity=10)
    low = scores[["correctness", "coverage"]].min(axis=1)
    below = scores[low < 0.9]
    assert set(zip(listed["source"], listed["target"], strict=True)) == set(
        zip(below["source"], below["target"], strict=True)
    )
    by_pair = dict(zip(zip(scores["source"], scores["target"], strict=True), low, strict=True))
    worst = [by_pair[pair] for pair in zip(listed["source"], listed["target"], strict=True)]
    assert worst == sorted(worst)
    assert listed["reason"].str.len().min() > 20


def test_survives_a_file(adata: ad.AnnData, tmp_path: Path) -> None:
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    for key in KEYS:
        assert scgce.get.evidence(again, key=key).equals(scgce.get.evidence(adata, key=key))
        assert (
            scgce.get.unexplained(again, key=key).astype(str).equals(scgce.get.unexplained(adata, key=key).astype(str))
        )


def test_errors(blobs: ad.AnnData, adata: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="tgt"):
        scgce.tl.evidence(blobs)
    with pytest.raises(ValueError, match="sparsity=7 .* 1, 10"):
        scgce.tl.evidence(adata.copy(), sparsity=7)
    scgce.tl.dbm(blobs, "group", use_rep="X_pca", sparsity=2, judges=False)
    with pytest.raises(KeyError, match=r"scgce\.tl\.evidence"):
        scgce.get.evidence(blobs, key="dbm")
    with pytest.raises(KeyError, match=r"scgce\.tl\.stability"):
        scgce.get.stability(blobs, "NK", "3", key="dbm")


def test_of_negative_values_many_fall_below_zero_within_their_range(blobs: ad.AnnData) -> None:
    blobs.X = blobs.X.toarray() - blobs.X.toarray().mean(axis=0)
    sc.pp.pca(blobs, n_comps=8)
    scgce.tl.dbm(blobs, "group", use_rep="X_pca", sparsity=5, judges=False)
    scgce.tl.evidence(blobs, "dbm", n_permutations=0)
    names = list(blobs.uns["dbm"]["groups"])
    lowered = scgce.get.explanation(blobs, "B/1", "NK", key="dbm").query("delta < 0").set_index("gene")["delta"]
    entry = blobs.uns["dbm"]
    rows = (entry["cell_group"] == names.index("B/1")) & (entry["split"] == 2)
    low = dict(zip(entry["genes"], entry["low"], strict=True))
    moved = [np.maximum(blobs[rows, gene].X.ravel() + delta, low[gene]) for gene, delta in lowered.items()]
    found = entry["evidence"]["below_zero"][names.index("B/1"), names.index("NK")]
    assert found == pytest.approx(np.mean(np.stack(moved) < 0)) and found > 0.5
