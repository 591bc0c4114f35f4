"""Of more than 25 groups the sweep is scored on a sample of pairs, and what is selected on all."""

from __future__ import annotations

from itertools import permutations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import scgce
from scgce.core.choose.plan import PAIRS

GROUPS = 26
PAIRS_OF_ALL = GROUPS * (GROUPS - 1)
SCORES = ["correctness", "coverage", "judge_logreg", "judge_knn"]


@pytest.fixture(scope="module")
def explained() -> ad.AnnData:
    """26 groups of 12 cells × 30 genes in two sparsities; the difference of means in them, and in the second alone."""
    adata = scgce.datasets.simulated_cells(GROUPS * 12, 30, GROUPS, rng=1)
    sc.pp.pca(adata, n_comps=8)
    scgce.tl.tgt(adata, "group", sparsity=[3, 6], method="truncate", use_rep="X_pca")
    scgce.tl.dbm(adata, "group", sparsity=[3, 6], use_rep="X_pca")
    scgce.tl.dbm(adata, "group", sparsity=[6], use_rep="X_pca", key_added="alone")
    return adata


def other(adata: ad.AnnData) -> int:
    """The sparsity that was not selected."""
    frame = scgce.get.sweep(adata)
    return int(frame.loc[~frame["selected"], "sparsity"].iloc[0])


def test_the_selected_sparsity_is_scored_on_all_pairs_others_on_some(explained: ad.AnnData) -> None:
    assert PAIRS_OF_ALL > PAIRS
    assert scgce.get.metrics(explained)[SCORES].notna().all(axis=None)
    assert scgce.get.metrics(explained)["percent_explained"].notna().all()
    rest = scgce.get.metrics(explained, sparsity=other(explained))
    assert set(rest[SCORES].notna().sum()) == {PAIRS}
    assert rest["n_genes"].gt(0).all()


def test_where_a_pair_is_scored_it_scores_as_among_all(explained: ad.AnnData) -> None:
    some = scgce.get.metrics(explained, sparsity=6, key="dbm")
    every = scgce.get.metrics(explained, sparsity=6, key="alone")
    known = some["correctness"].notna()
    assert known.sum() == PAIRS
    assert every["correctness"].notna().all()
    for name in SCORES:
        np.testing.assert_array_equal(some.loc[known, name], every.loc[known, name])


def test_the_sweep_compares_sparsities_on_the_same_pairs(explained: ad.AnnData) -> None:
    rest = scgce.get.metrics(explained, sparsity=other(explained))
    known = rest["correctness"].notna()
    table = scgce.get.sweep(explained).set_index("sparsity")
    for k in (3, 6):
        mean = scgce.get.metrics(explained, sparsity=k).loc[known, "correctness"].mean()
        assert table.loc[k, "correctness"] == pytest.approx(mean)


def test_what_happens_to_cells_is_known_where_it_was_looked_at(explained: ad.AnnData) -> None:
    k = other(explained)
    rest = scgce.get.metrics(explained, sparsity=k).set_index(["source", "target"])["correctness"]
    scored, not_scored = rest.index[rest.notna()][0], rest.index[rest.isna()][0]
    assert scgce.get.explanation(explained, *scored, sparsity=k)["change"].notna().all()
    assert scgce.get.explanation(explained, *not_scored, sparsity=k)["change"].isna().all()
    for pair in list(permutations(explained.obs["group"].cat.categories, 2))[::60]:
        frame = scgce.get.explanation(explained, *pair)
        assert frame["change"].notna().all()
        assert (frame["change"].abs() <= frame["delta"].abs() + 1e-6).all()


def test_plots_and_page_read_it(explained: ad.AnnData, tmp_path: object) -> None:
    k = other(explained)
    rest = scgce.get.metrics(explained, sparsity=k)
    pair = rest.loc[rest["correctness"].isna(), ["source", "target"]].iloc[0]
    scgce.pl.explanation(explained, *pair, sparsity=k, show=False)
    scgce.pl.metrics(explained, sparsity=k, show=False)
    scgce.pl.sweep(explained, show=False)
    scgce.report(explained, f"{tmp_path}/page.html")


def test_evidence_looks_at_the_same_number_of_pairs(explained: ad.AnnData) -> None:
    adata = explained.copy()
    scgce.tl.evidence(adata, n_permutations=2, doses=[0.0, 1.0])
    found = scgce.get.evidence(adata)
    assert len(found) == PAIRS_OF_ALL
    for name in ("p_correctness", "best_dose", "consistency_price"):
        assert found[name].notna().sum() == PAIRS, name
    assert 0 < found["off_manifold"].notna().sum() <= PAIRS  # not of targets of one cell
    scores = scgce.get.metrics(adata)[["correctness", "coverage"]].min(axis=1)
    assert len(scgce.get.unexplained(adata)) == (scores < 0.5).sum()
