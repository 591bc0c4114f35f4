"""The consistent variant that `tl.tgt` stores beside the refined one, and how it is read."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scgce
from scgce.pl._sweep import sweep_data

K = (2, 5)


@pytest.fixture(scope="module")
def both(_blobs: ad.AnnData) -> ad.AnnData:
    """Refined, and refined on a fixed partition by its own name."""
    adata = scgce.tl.tgt(_blobs, "group", use_rep="X_pca", sparsity=K, copy=True)
    scgce.tl.tgt(adata, "group", use_rep="X_pca", sparsity=K, method="refine_consistent", key_added="alone")
    return adata


def test_it_is_what_the_method_of_its_own_gives(both: ad.AnnData) -> None:
    mine, alone = both.uns["tgt"]["sweep"], both.uns["alone"]["sweep"]
    assert (mine["deltas_consistent"] != alone["deltas"]).nnz == 0
    for name in ("correctness", "coverage", "judge_logreg", "judge_knn"):
        np.testing.assert_array_equal(mine[f"consistent_{name}"], alone[name])
    assert not any(name.startswith("consistent_") or name == "deltas_consistent" for name in alone)


def test_the_sweep_has_both(both: ad.AnnData) -> None:
    table, alone = scgce.get.sweep(both), scgce.get.sweep(both, key="alone")
    assert table["consistent_correctness"].tolist() == alone["correctness"].tolist()
    assert table["consistent_coverage"].tolist() == alone["coverage"].tolist()
    assert alone["consistent_correctness"].isna().all()
    assert {"consistent_correctness", "consistent_coverage"} <= set(sweep_data(both)["score"])


@pytest.mark.parametrize("k", K)
def test_every_reader_gives_the_variant(both: ad.AnnData, k: int) -> None:
    options = {"sparsity": k, "consistent": True}
    a, b = both.uns["tgt"]["groups"][:2]
    for mine, alone in (
        (scgce.get.explanation(both, a, b, **options), scgce.get.explanation(both, a, b, sparsity=k, key="alone")),
        (scgce.get.pairs(both, **options), scgce.get.pairs(both, sparsity=k, key="alone")),
        (scgce.get.deltas(both, **options), scgce.get.deltas(both, sparsity=k, key="alone")),
    ):
        pd.testing.assert_frame_equal(mine, alone)
    scores = scgce.get.metrics(both, **options).drop(columns="percent_explained")
    alone = scgce.get.metrics(both, sparsity=k, key="alone").drop(columns="percent_explained")
    pd.testing.assert_frame_equal(scores, alone)


@pytest.mark.parametrize("k", K)
def test_triangles_close_within_k_genes(both: ad.AnnData, k: int) -> None:
    basis = scgce.get.deltas(both, sparsity=k, consistent=True)
    for a, b, c in permutations(basis.index[:4], 3):
        step = {pair: _series(both, *pair, k) for pair in ((a, b), (b, c), (a, c))}
        assert max(map(len, step.values())) <= k
        pd.testing.assert_series_equal(
            step[a, b].add(step[b, c], fill_value=0.0)[lambda x: x.abs() > 1e-5],
            step[a, c].sort_index()[lambda x: x.abs() > 1e-5],
            atol=1e-5,
        )


def _series(adata: ad.AnnData, source: str, target: str, k: int) -> pd.Series:
    frame = scgce.get.explanation(adata, source, target, sparsity=k, consistent=True)
    return frame.set_index("gene")["delta"].sort_index()


def test_without_a_sparsity_it_is_the_selected_one(both: ad.AnnData) -> None:
    k = both.uns["tgt"]["params"]["sparsity_selected"]
    mine, named = scgce.get.pairs(both, consistent=True), scgce.get.pairs(both, consistent=True, sparsity=k)
    pd.testing.assert_frame_equal(mine, named)
    assert scgce.get.metrics(both, consistent=True)["percent_explained"].isna().all()


def test_what_is_consistent_anyway_is_read_as_it_is(both: ad.AnnData) -> None:
    pd.testing.assert_frame_equal(
        scgce.get.pairs(both, key="alone", consistent=True), scgce.get.pairs(both, key="alone")
    )


def test_it_survives_a_file(both: ad.AnnData, tmp_path: Path) -> None:
    both.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(scgce.get.pairs(again, consistent=True), scgce.get.pairs(both, consistent=True))


@pytest.mark.parametrize("tool", ["lasso", "dbm"])
def test_where_there_is_none_the_error_says_who_has_one(blobs: ad.AnnData, tool: str) -> None:
    adata = getattr(scgce.tl, tool)(blobs, "group", use_rep="X_pca", sparsity=2, judges=False, copy=True)
    with pytest.raises(ValueError, match=r"consistent=True: .*expected a result of scgce.tl.tgt with method='refine'"):
        scgce.get.pairs(adata, key=tool, consistent=True)


def test_a_damaged_variant_is_refused(both: ad.AnnData) -> None:
    adata = both.copy()
    adata.uns["tgt"]["sweep"]["deltas_consistent"] = adata.uns["tgt"]["sweep"]["deltas_consistent"][:3]
    with pytest.raises(ValueError, match=r"'deltas_consistent'.*truncated or edited"):
        scgce.get.explanation(adata, "a", "b")
