"""The baselines: what each explains, and that all are scored and stored as `tl.tgt` is."""

from __future__ import annotations

import inspect
from itertools import combinations, permutations
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy import stats
from tests.tl._by_hand import assert_scored, delta, dense, members, scored

import scgce

NAMES = ["B/1", "T cell", "NK", "3"]
QUICK = {"use_rep": "X_pca", "sparsity": (2, 5), "judges": False}
TOOLS = {
    "dbm": (scgce.tl.dbm, {}),
    "random_genes": (scgce.tl.random_genes, {}),
    "lasso": (scgce.tl.lasso, {}),
    "t-test": (scgce.tl.marker_tests, {"method": "t-test"}),
    "wilcoxon": (scgce.tl.marker_tests, {"method": "wilcoxon"}),
    "logreg": (scgce.tl.marker_tests, {"method": "logreg"}),
}
BY_PAIR = ["lasso", "t-test", "wilcoxon", "logreg"]


@pytest.fixture(scope="module")
def adata(_blobs: ad.AnnData) -> ad.AnnData:
    found = _blobs.copy()
    for key, (tool, given) in TOOLS.items():
        tool(found, "group", **QUICK, **given, key_added=key)
    return found


def fitted_means(adata: ad.AnnData, key: str) -> dict[str, np.ndarray]:
    return {group: dense(adata)[rows].mean(axis=0) for group, rows in members(adata, key, 0).items()}


@pytest.mark.parametrize("key", TOOLS)
@pytest.mark.parametrize("k", [2, 5])
def test_metrics_are_those_of_the_stored_explanations(adata: ad.AnnData, key: str, k: int) -> None:
    assert_scored(scgce.get.metrics(adata, key=key, sparsity=k), scored(adata, key, k))


@pytest.mark.parametrize("key", TOOLS)
def test_no_pair_has_more_genes_than_asked_for_and_back_is_the_opposite(adata: ad.AnnData, key: str) -> None:
    for k in (2, 5):
        assert scgce.get.metrics(adata, key=key, sparsity=k)["n_genes"].max() <= k
    if key != "lasso":
        forward, back = delta(adata, "NK", "3", key, 5), delta(adata, "3", "NK", key, 5)
        np.testing.assert_allclose(forward, -back, rtol=1e-6)


@pytest.mark.parametrize("key", sorted(set(TOOLS) - {"lasso"}))
def test_amounts_are_differences_of_the_fitting_cells_means(adata: ad.AnnData, key: str) -> None:
    means = fitted_means(adata, key)
    for source, target in permutations(NAMES, 2):
        moved = delta(adata, source, target, key, 5)
        genes = moved != 0
        np.testing.assert_allclose(moved[genes], (means[target] - means[source])[genes], atol=1e-5)


def test_dbm_takes_the_largest_differences(adata: ad.AnnData) -> None:
    means = fitted_means(adata, "dbm")
    for source, target in permutations(NAMES, 2):
        largest = np.argsort(-np.abs(means[target] - means[source]))[:5]
        assert set(np.flatnonzero(delta(adata, source, target, "dbm", 5))) == set(largest)


def test_random_genes_are_the_same_for_all_pairs_nested_and_drawn_by_the_seed(adata: ad.AnnData) -> None:
    def genes(source: str, target: str, k: int, key: str = "random_genes") -> set[int]:
        return set(np.flatnonzero(delta(adata, source, target, key, k)))

    sets = {k: [genes(*pair, k) for pair in permutations(NAMES, 2)] for k in (2, 5)}
    assert all(
        found == set.union(*found_all) for k, found_all in sets.items() for found in found_all if len(found) == k
    )
    assert set.union(*sets[2]) < set.union(*sets[5])
    other = scgce.tl.random_genes(adata, "group", **QUICK, rng=1, key_added="other", copy=True)
    assert set(np.flatnonzero(delta(other, "NK", "3", "other", 5))) != genes("NK", "3", 5)


@pytest.mark.parametrize("key", ["t-test", "wilcoxon"])
def test_genes_are_those_that_scipy_ranks_first(adata: ad.AnnData, key: str) -> None:
    X, cells = dense(adata), members(adata, key, 0)
    for source, target in combinations(NAMES, 2):
        pair = X[cells[target]], X[cells[source]]
        if key == "t-test":
            statistic = stats.ttest_ind(*pair, equal_var=False).statistic
        else:
            statistic = np.array([stats.ranksums(pair[0][:, g], pair[1][:, g]).statistic for g in range(X.shape[1])])
        size = np.nan_to_num(np.abs(statistic))
        chosen = np.flatnonzero(delta(adata, source, target, key, 5))
        assert size[chosen].min() >= np.sort(size)[-5] - 1e-4


def test_logistic_regression_finds_the_markers_of_both_groups(adata: ad.AnnData) -> None:
    for source, target in combinations(range(4), 2):
        genes = np.flatnonzero(delta(adata, NAMES[source], NAMES[target], "logreg", 5))
        assert set(genes // 5) <= {source, target}


@pytest.mark.parametrize("key", BY_PAIR)
def test_the_basis_beside_pairs_is_the_nearest_one(adata: ad.AnnData, key: str) -> None:
    pairs = list(permutations(range(4), 2))
    design = np.zeros((len(pairs) + 1, 4))
    for row, (i, j) in enumerate(pairs):
        design[row, i], design[row, j] = -1, 1
    design[-1, 0] = 1  # the first row is 0
    wanted = [delta(adata, NAMES[i], NAMES[j], key) for i, j in pairs]
    expected = np.linalg.lstsq(design, np.vstack([*wanted, np.zeros(adata.n_vars)]), rcond=None)[0]
    np.testing.assert_allclose(scgce.get.deltas(adata, key=key), expected, atol=1e-5)


def test_lasso_is_not_consistent_and_says_where_it_is_stored(adata: ad.AnnData) -> None:
    assert adata.uns["lasso"]["pair_deltas"].shape == (16, 60)
    assert adata.uns["lasso"]["sweep"]["pair_deltas"].shape == (32, 60)
    detour = delta(adata, "B/1", "NK", "lasso", 5) + delta(adata, "NK", "3", "lasso", 5)
    assert np.abs(detour - delta(adata, "B/1", "3", "lasso", 5)).sum() > 0.1


@pytest.mark.parametrize("key", ["random_genes", "lasso"])
def test_survives_a_file_and_a_subset_of_the_genes(adata: ad.AnnData, key: str, tmp_path: Path) -> None:
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")[:, ::-1].copy()
    for k in (2, 5):
        before = scgce.get.pairs(adata, key=key, sparsity=k)
        assert scgce.get.pairs(again, key=key, sparsity=k).equals(before)
    one = scgce.get.explanation(again, "NK", "3", key=key).reset_index(drop=True)
    pair = before[(before["source"] == "NK") & (before["target"] == "3")]
    if adata.uns[key]["params"]["sparsity_selected"] == 5:
        np.testing.assert_array_equal(one["gene"], pair["gene"])


@pytest.mark.parametrize("key", ["dbm", "t-test"])
def test_the_same_seed_gives_the_same_bytes(adata: ad.AnnData, key: str) -> None:
    tool, given = TOOLS[key]
    again = tool(adata, "group", **QUICK, **given, key_added=key, copy=True)
    for field in ("deltas", "correctness", "coverage", "split"):
        assert again.uns[key][field].tobytes() == adata.uns[key][field].tobytes()


@pytest.mark.parametrize("key", TOOLS)
def test_takes_the_arguments_of_tgt(key: str) -> None:
    ours = inspect.signature(scgce.tl.tgt).parameters
    theirs = inspect.signature(TOOLS[key][0]).parameters
    own = {"method"} if "method" in TOOLS[key][1] else set()
    for name in set(theirs) - own - {"key_added"}:
        assert theirs[name].default == ours[name].default
        assert theirs[name].kind == ours[name].kind


@pytest.mark.parametrize(
    "wrong", [{"sparsity": 0}, {"sparsity": 61}, {"epsilon": -1.0}, {"use_rep": "X_nothing"}, {"groups": ["NK", "no"]}]
)
@pytest.mark.parametrize("key", ["dbm", "random_genes", "lasso", "t-test"])
def test_errors_leave_the_object_alone(blobs: ad.AnnData, key: str, wrong: dict[str, object]) -> None:
    tool, given = TOOLS[key]
    with pytest.raises((KeyError, ValueError), match=str(next(iter(wrong)))):
        tool(blobs, "group", **(QUICK | given | wrong))
    assert not set(blobs.uns) & {key, "marker_tests"}


def test_an_unknown_test_is_an_error_that_names_the_known_ones(blobs: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="method='anova'.*'t-test', 'wilcoxon', 'logreg'"):
        scgce.tl.marker_tests(blobs, "group", **QUICK, method="anova")
