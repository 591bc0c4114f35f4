"""`tl.stability`: what bootstraps of the cells choose again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from tests.tl._by_hand import delta
from torch import nn

import scgce

NAMES = ["B/1", "T cell", "NK", "3"]
B = 6


@pytest.fixture(scope="module")
def adata(_blobs: ad.AnnData) -> ad.AnnData:
    found = _blobs.copy()
    scgce.tl.tgt(found, "group", use_rep="X_pca", sparsity=(3, 5), method="truncate", judges=False)
    scgce.tl.stability(found, n_bootstraps=B, sparsity=5)
    return found


def test_frequencies_are_shares_of_the_bootstraps_and_k_genes_each(adata: ad.AnnData) -> None:
    for pair in permutations(NAMES, 2):
        frame = scgce.get.stability(adata, *pair)
        counts = frame["frequency"] * B
        np.testing.assert_allclose(counts, counts.round(), atol=1e-5)
        assert frame["frequency"].between(1 / B - 1e-6, 1).all()
        assert frame["frequency"].is_monotonic_decreasing
        assert counts.sum() <= 5 * B + 1e-6


def test_markers_are_chosen_nearly_always(adata: ad.AnnData) -> None:
    for i, j in permutations(range(4), 2):
        frame = scgce.get.stability(adata, NAMES[i], NAMES[j])
        often = frame.loc[frame["frequency"] > 0.9, "gene"].str.removeprefix("gene").astype(int)
        assert set(often // 5) <= {i, j}
        assert len(often) > 0


def test_intervals_are_ordered_and_hold_the_amounts_of_stable_genes(adata: ad.AnnData) -> None:
    inside = []
    for pair in permutations(NAMES, 2):
        frame = scgce.get.stability(adata, *pair).set_index("gene")
        assert (frame["low"] <= frame["high"]).all()
        amounts = dict(zip(adata.var_names, delta(adata, *pair, "tgt", 5), strict=True))
        for gene, row in frame[frame["frequency"] == 1].iterrows():
            slack = 0.25 * abs(amounts[gene])
            inside.append(row["low"] - slack <= amounts[gene] <= row["high"] + slack)
    assert np.mean(inside) > 0.9


def test_back_is_the_opposite(adata: ad.AnnData) -> None:
    forward = scgce.get.stability(adata, "NK", "3").set_index("gene").sort_index()
    back = scgce.get.stability(adata, "3", "NK").set_index("gene").sort_index()
    np.testing.assert_allclose(forward["frequency"], back["frequency"])
    np.testing.assert_allclose(forward["low"], -back["high"], atol=1e-6)


def test_similarity_is_the_share_of_the_explanation_found_again(adata: ad.AnnData) -> None:
    found = adata.uns["tgt"]["stability"]["similarity"]
    names = [str(g) for g in adata.uns["tgt"]["groups"]]
    for source, target in permutations(NAMES, 2):
        amounts = np.abs(delta(adata, source, target, "tgt", 5))
        again = scgce.get.stability(adata, source, target).set_index("gene")["frequency"]
        again = again.reindex(adata.var_names).fillna(0).to_numpy()
        expected = (amounts * again).sum() / amounts.sum()
        assert found[names.index(source), names.index(target)] == pytest.approx(expected, abs=1e-5)


def test_the_seed_decides(adata: ad.AnnData) -> None:
    again = scgce.tl.stability(adata, n_bootstraps=B, sparsity=5, copy=True).uns["tgt"]["stability"]
    assert (again["frequency"] != adata.uns["tgt"]["stability"]["frequency"]).nnz == 0
    other = scgce.tl.stability(adata, n_bootstraps=B, sparsity=5, rng=1, copy=True).uns["tgt"]["stability"]
    assert (other["low"] != again["low"]).nnz > 0


def test_survives_a_file(adata: ad.AnnData, tmp_path: Path) -> None:
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    assert scgce.get.stability(again, "NK", "3").equals(scgce.get.stability(adata, "NK", "3"))


def test_genes_are_named_by_the_result_wherever_they_stand(adata: ad.AnnData) -> None:
    """With its genes shuffled, and others among them."""
    shuffled = adata[:, np.random.default_rng(0).permutation(adata.n_vars)].copy()
    other = ad.AnnData(np.ones((adata.n_obs, 1), np.float32), obs=adata.obs, var=pd.DataFrame(index=["other"]))
    more = ad.concat([other, shuffled], axis=1, merge="same", uns_merge="first")
    more.obs, more.uns = adata.obs.copy(), adata.uns.copy()
    for arranged in (shuffled, more):
        scgce.tl.stability(arranged, n_bootstraps=B, sparsity=5)
        found, expected = (
            scgce.get.stability(one).sort_values(["source", "target", "gene"], ignore_index=True)
            for one in (arranged, adata)
        )
        pd.testing.assert_frame_equal(found, expected, rtol=1e-4)


@pytest.mark.parametrize("tool", [scgce.tl.stability, scgce.tl.evidence])
def test_what_is_added_to_a_result_needs_all_of_its_groups(adata: ad.AnnData, tool: Callable) -> None:
    """It would be laid beside scores of other pairs, and nothing of the result could be read any more."""
    some = adata[adata.obs["group"] != "T cell"].copy()
    with pytest.raises(ValueError, match="adata lacks cells of the explanation's groups T cell; expected those"):
        tool(some)
    pd.testing.assert_frame_equal(scgce.get.stability(some), scgce.get.stability(adata))


def test_errors_leave_the_object_alone(adata: ad.AnnData) -> None:
    before = adata.copy()
    scgce.tl.dbm(before, "group", use_rep="X_pca", sparsity=2, judges=False)
    with pytest.raises(ValueError, match="dbm"):
        scgce.tl.stability(before, "dbm")
    with pytest.raises(ValueError, match="n_bootstraps=1"):
        scgce.tl.stability(before, n_bootstraps=1)
    with pytest.raises(KeyError, match="nothing"):
        scgce.tl.stability(before, "nothing")
    with pytest.raises(ValueError, match="source='no'"):
        scgce.get.stability(adata, "no", "3")
    assert "stability" not in before.uns["dbm"]


class Same(np.random.Generator):
    """Draws every cell once and one seed, with 0 so that a bootstrap is the explanation made again."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(np.random.PCG64(0))
        self.seed = seed

    def choice(self, a: np.ndarray, size: int) -> np.ndarray:  # type: ignore[override]
        assert len(a) == size
        return a

    def integers(self, *_: object) -> int:  # type: ignore[override]
        return self.seed


@pytest.mark.parametrize(
    "options",
    [
        {"method": "truncate", "sparsity": 4, "lam": 0.3},
        {"method": "path", "sparsity": (2, 6), "epsilon": 1.5, "penalty": 0.5, "nonnegative": True},
        {"method": "truncate", "sparsity": 4, "epsilon": "max", "gene_costs": np.linspace(0.5, 2.0, 60)},
        {"method": "refine", "sparsity": (2, 5), "amplitude": 5.0},
    ],
    ids=lambda options: "-".join(map(str, options)),
)
def test_the_whole_procedure_is_repeated(blobs: ad.AnnData, tmp_path: Path, options: dict[str, object]) -> None:
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", judges=False, **options)  # type: ignore[arg-type]
    blobs.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    k = int(np.min(options["sparsity"]))
    scgce.tl.stability(again, n_bootstraps=2, sparsity=k, rng=Same())
    for source, target in permutations(NAMES, 2):
        frame = scgce.get.stability(again, source, target)
        amounts = delta(blobs, source, target, "tgt", k)
        assert sorted(frame["gene"]) == sorted(blobs.var_names[amounts != 0])
        assert (frame["frequency"] == 1).all()
        found = frame.set_index("gene").loc[blobs.var_names[amounts != 0]]
        np.testing.assert_allclose(found["low"], amounts[amounts != 0], rtol=2e-3, atol=1e-5)


def test_whole_donors_are_drawn(adata: ad.AnnData) -> None:
    donors = adata.copy()
    fitted = donors.uns["tgt"]["split"] == 0
    donors.obs["donor"] = np.where(fitted, [f"d{cell % 3}" for cell in range(donors.n_obs)], "held out")
    scgce.tl.stability(donors, n_bootstraps=B, sparsity=5, resample="donor")
    assert donors.uns["tgt"]["stability"]["resample"] == "donor"
    assert (scgce.get.stability(donors, "NK", "3")["frequency"] <= 1).all()
    donors.obs["one"] = "d0"
    with pytest.raises(ValueError, match="1 donor; at least two"):
        scgce.tl.stability(donors, resample="one")
    with pytest.raises(KeyError, match="resample='nothing'"):
        scgce.tl.stability(donors, resample="nothing")


def test_a_number_of_processes_that_is_none_is_refused(adata: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="n_jobs=0"):
        scgce.tl.stability(adata, n_jobs=0)


def test_an_encoder_is_fitted_anew_with_the_seed_that_is_drawn(blobs: ad.AnnData) -> None:
    blobs.obsm["X_plane"] = np.array(blobs.obsm["X_pca"][:, :2])
    scgce.tl.tgt(blobs, "group", use_rep="X_plane", sparsity=4, method="truncate", judges=False)
    amounts = delta(blobs, "NK", "3", "tgt", 4)
    distance = {}
    for seed in (0, 1):
        scgce.tl.stability(blobs, n_bootstraps=2, refit=True, rng=Same(seed))
        found = scgce.get.stability(blobs, "NK", "3").set_index("gene").reindex(blobs.var_names)
        distance[seed] = np.abs(found["low"].fillna(0) - amounts).max()
    assert blobs.uns["tgt"]["stability"]["refit"]
    assert distance[0] < 1e-4 < distance[1]


def test_only_what_is_distilled_is_fitted_anew(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", encoder=nn.Linear(60, 2), sparsity=2, method="truncate", judges=False)
    with pytest.raises(ValueError, match="refit=True needs an explanation of a use_rep"):
        scgce.tl.stability(blobs, refit=True)
