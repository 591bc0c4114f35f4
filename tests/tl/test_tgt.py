"""`tl.tgt` from end to end: what it stores, that it is what it says, and that it survives files and subsets."""

from __future__ import annotations

import tracemalloc
from itertools import permutations
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import torch
from scipy import sparse
from scipy.spatial.distance import cdist
from tests._brief import thorough
from tests._files import reread
from tests.tl._frozen import frozen
from torch import nn

import scgce
from scgce.core.choose.select import METHODS
from scgce.encoders import Encoder, encoder_from_uns

L, D, K = 4, 60, (2, 5)
QUICK = {"use_rep": "X_pca", "sparsity": K, "judges": False, "clip": None}
"""Unclipped, as the paper: what clipping changes is in `test_possible`."""


@pytest.fixture(scope="module")
def results(_blobs: ad.AnnData) -> dict[str, ad.AnnData]:
    """One result by every method, as users get it."""
    with thorough():
        return {method: scgce.tl.tgt(_blobs, "group", **QUICK, method=method, copy=True) for method in METHODS}


@pytest.fixture(scope="module")
def unbounded(_blobs: ad.AnnData) -> ad.AnnData:
    return scgce.tl.tgt(_blobs, "group", **(QUICK | {"judges": True}), method="path", amplitude=None, copy=True)


def blocks(adata: ad.AnnData, key: str = "tgt") -> list[tuple[int, np.ndarray]]:
    """Every sparsity with its basis translations (l, d)."""
    sweep, l = adata.uns[key]["sweep"], len(adata.uns[key]["groups"])
    return [(int(k), sweep["deltas"][i * l : (i + 1) * l].toarray()) for i, k in enumerate(sweep["sparsity"])]


def reported(basis: np.ndarray, k: int, cut: bool) -> np.ndarray:
    """δ_j - δ_i of all pairs in float64, cut to k genes by sorting, (l, l, d)."""
    delta = basis.astype(np.float64)[None] - basis.astype(np.float64)[:, None]
    if cut:
        order = np.argsort(-np.abs(delta), axis=2, kind="stable")
        np.put_along_axis(delta, order[:, :, k:], 0.0, axis=2)
    return delta


# --- what is stored -------------------------------------------------------------------------------------------------

SQUARE = ("correctness", "coverage", "percent_explained")
SWEPT = ("correctness", "coverage", "dbm_correctness", "dbm_coverage", "validation_correctness", "validation_coverage")


@pytest.mark.parametrize("method", METHODS)
def test_stored_fields_have_their_documented_shapes_and_types(method: str, results: dict[str, ad.AnnData]) -> None:
    adata = results[method]
    entry = adata.uns["tgt"]
    fields = {"params", "groups", "genes", "sizes", "means", "deltas", *SQUARE, "n_genes", "epsilon"}
    fields |= {"center_distance", "sweep", "path", "encoder", "split", "low", "high", "reported_means", "units"}
    fields |= {"cell_digest", "cell_group"}
    assert set(entry) == fields
    assert entry["groups"].tolist() == list(adata.obs["group"].cat.categories)
    assert entry["genes"].tolist() == list(adata.var_names)
    assert entry["groups"].dtype.kind == entry["genes"].dtype.kind == "U"
    assert entry["sizes"].tolist() == adata.obs["group"].value_counts().loc[entry["groups"]].tolist()
    for field in ("low", "high"):
        assert entry[field].shape == (D,) and entry[field].dtype == np.float32
    for field in ("means", "reported_means", "deltas"):
        assert entry[field].shape == (L, D) and entry[field].dtype == np.float32
    for field in SQUARE:
        assert entry[field].shape == (L, L) and entry[field].dtype == np.float64
    assert entry["n_genes"].shape == (L, L) and entry["n_genes"].dtype.kind == "i"
    assert entry["split"].shape == (adata.n_obs,) and entry["split"].dtype == np.int8
    assert type(entry["epsilon"]) is float and type(entry["center_distance"]) is float
    assert (entry["deltas"][0] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_sweep_and_path_have_their_documented_shapes_and_types(method: str, results: dict[str, ad.AnnData]) -> None:
    entry = results[method].uns["tgt"]
    sweep, path = entry["sweep"], entry["path"]
    assert sweep["sparsity"].tolist() == list(K) and sweep["lam"].shape == (2,) and sweep["similarity"].shape == (1,)
    for field in SWEPT:
        assert sweep[field].shape == (2, L, L) and sweep[field].dtype == np.float64
    assert sweep["deltas"].format == "csr" and sweep["deltas"].shape == (2 * L, D)
    assert sweep["deltas"].dtype == np.float32
    lengths = {len(path[field]) for field in ("lam", "objective", "smooth", "n_genes_mean", "n_genes_max")}
    assert len(lengths) == 1
    assert (np.diff(path["lam"]) < 0).all() and (path["objective"] > 0).all()
    assert (path["n_genes_mean"] <= path["n_genes_max"]).all()


def test_params_are_flat_and_say_what_was_done(results: dict[str, ad.AnnData], unbounded: ad.AnnData) -> None:
    params = results["refine"].uns["tgt"]["params"]
    assert all(type(value) in {str, int, float, bool} for value in params.values())
    said = {"groupby": "group", "use_rep": "X_pca", "layer": "", "method": "refine", "amplitude": 3.0, "clip": "none"}
    said |= {"reference": "", "seed": 0, "device": "cpu", "validation_fraction": 0.25, "epsilon_rule": "mean"}
    assert {name: params[name] for name in said} == said
    assert params["sparsity_selected"] in K and params["pair_cut"] is True
    assert params["scgce_version"] == scgce.__version__
    assert unbounded.uns["tgt"]["params"]["amplitude"] == -1.0
    assert unbounded.uns["tgt"]["params"]["pair_cut"] is False


@pytest.mark.thorough  # as the results that it is compared with
def test_nothing_else_changes_and_a_copy_is_a_copy(blobs: ad.AnnData, results: dict[str, ad.AnnData]) -> None:
    before = frozen(blobs)
    assert scgce.tl.tgt(blobs, "group", **QUICK, method="truncate", key_added="mine") is None
    mine = blobs.uns.pop("mine")
    assert frozen(blobs) == before
    assert frozen(mine) == frozen(results["truncate"].uns["tgt"])
    assert "tgt" not in blobs.uns


def test_selected_sparsity_is_what_the_sweep_holds(results: dict[str, ad.AnnData]) -> None:
    for adata in results.values():
        entry = adata.uns["tgt"]
        at = K.index(entry["params"]["sparsity_selected"])
        np.testing.assert_array_equal(entry["deltas"], blocks(adata)[at][1])
        for field in ("correctness", "coverage"):
            np.testing.assert_array_equal(entry[field], entry["sweep"][field][at])


def test_the_split_is_by_group_and_covers_every_cell(results: dict[str, ad.AnnData]) -> None:
    adata = results["path"]
    table = pd.crosstab(adata.obs["group"], adata.uns["tgt"]["split"])
    assert table.columns.tolist() == [0, 1, 2]
    assert (table[1] == table[2]).all() and (table[1] == (0.25 * table.sum(axis=1)).round()).all()


# --- that it is what it says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_no_pair_has_more_than_k_genes(method: str, results: dict[str, ad.AnnData]) -> None:
    adata = results[method]
    cut = adata.uns["tgt"]["params"]["pair_cut"]
    assert cut is (method in {"refine", "truncate"})
    for k, basis in blocks(adata):
        delta = reported(basis, k, cut)
        counts = (delta != 0).sum(2)
        assert counts.max() <= k
        np.testing.assert_array_equal(delta, -delta.transpose(1, 0, 2))
        if k == adata.uns["tgt"]["params"]["sparsity_selected"]:
            np.testing.assert_array_equal(adata.uns["tgt"]["n_genes"], counts)


@pytest.mark.parametrize("method", ["path", "refine_consistent"])
def test_triangles_close_exactly(method: str, results: dict[str, ad.AnnData], unbounded: ad.AnnData) -> None:
    for adata in (results[method], unbounded):
        assert (adata.uns["tgt"]["sweep"]["deltas"].toarray() != 0).any()
        for _, basis in blocks(adata):
            delta = reported(basis, D, False)
            for i, j, k in permutations(range(L), 3):
                np.testing.assert_array_equal(delta[i, j] + delta[j, k], delta[i, k])


@pytest.mark.parametrize("method", METHODS)
def test_amounts_have_the_real_sign_and_at_most_three_times_the_size(
    method: str, results: dict[str, ad.AnnData], unbounded: ad.AnnData
) -> None:
    for adata, bounded in ((results[method], True), (unbounded, False)):
        means = adata.uns["tgt"]["means"].astype(np.float64)
        real = means[None] - means[:, None]
        plausible = []
        for k, basis in blocks(adata):
            delta = reported(basis, k, True)
            near = np.abs(delta) <= 3 * np.abs(real) + 1e-5
            plausible.append(bool((near & (delta * real >= -1e-9)).all()))
        assert all(plausible) is bounded


def test_means_are_those_of_the_fitting_cells(results: dict[str, ad.AnnData]) -> None:
    adata = results["path"]
    fitting = adata[adata.uns["tgt"]["split"] == 0]
    for name, row in zip(adata.uns["tgt"]["groups"], adata.uns["tgt"]["means"], strict=True):
        cells = fitting.X[(fitting.obs["group"] == name).to_numpy()].toarray()
        np.testing.assert_allclose(row, cells.mean(axis=0), rtol=1e-5, atol=1e-7)


def scored_by_hand(adata: ad.AnnData, basis: np.ndarray, k: int, cut: bool) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 3 and 4 by brute force on the reported cells, translated in gene space and projected with the loadings."""
    entry = adata.uns["tgt"]
    X, centre = adata.X.toarray().astype(np.float64), adata.X.toarray().astype(np.float64).mean(axis=0)
    held = entry["split"] == 2
    cells = [X[held & (adata.obs["group"] == name).to_numpy()] for name in entry["groups"]]
    delta = reported(basis, k, cut)
    correctness, coverage = np.zeros((L, L)), np.zeros((L, L))
    for i, j in permutations(range(L), 2):
        moved = (cells[i] + delta[i, j] - centre) @ adata.varm["PCs"]
        near = cdist(moved, (cells[j] - centre) @ adata.varm["PCs"]) <= entry["epsilon"]
        correctness[i, j], coverage[i, j] = near.any(axis=1).mean(), near.any(axis=0).mean()
    return correctness, coverage


@pytest.mark.parametrize("method", METHODS)
def test_metrics_are_those_of_translated_held_out_cells(method: str, results: dict[str, ad.AnnData]) -> None:
    adata = results[method]
    sweep, off = adata.uns["tgt"]["sweep"], ~np.eye(L, dtype=bool)
    for index, (k, basis) in enumerate(blocks(adata)):
        ours = scored_by_hand(adata, basis, k, adata.uns["tgt"]["params"]["pair_cut"])
        theirs = scored_by_hand(adata, adata.uns["tgt"]["means"], k, True)
        expected = dict(zip(("correctness", "coverage", "dbm_correctness", "dbm_coverage"), ours + theirs, strict=True))
        for field, matrix in expected.items():  # one of 19 cells may lie at ε to rounding
            np.testing.assert_allclose(sweep[field][index][off], matrix[off], atol=0.06)
            assert abs(sweep[field][index][off].mean() - matrix[off].mean()) < 0.005
    assert method == "truncate" or sweep["correctness"][-1][off].mean() > 0.3


def test_encoder_is_stored_and_reproduces_the_representation(results: dict[str, ad.AnnData]) -> None:
    adata = results["path"]
    encoder = encoder_from_uns(adata.uns["tgt"]["encoder"])
    np.testing.assert_allclose(encoder(adata.X), adata.obsm["X_pca"], atol=1e-3)


def test_judges_are_asked_and_a_user_may_bring_one(blobs: ad.AnnData, unbounded: ad.AnnData) -> None:
    entry = unbounded.uns["tgt"]
    for name in ("judge_logreg", "judge_knn"):
        assert entry["sweep"][name].shape == (2, L, L) and entry[name].shape == (L, L)
        assert (entry["sweep"][name].diagonal(axis1=1, axis2=2) > 0.8).all(), "they know the cells as they are"
        assert entry["sweep"][name][-1][~np.eye(L, dtype=bool)].mean() > 0.5

    class Contrary:
        def predict(self, X: np.ndarray) -> np.ndarray:
            return np.full(len(X), "NK")

    options = QUICK | {"judges": {"contrary": Contrary()}, "sparsity": 5}
    scgce.tl.tgt(blobs, "group", **options, method="truncate")
    found = blobs.uns["tgt"]["judge_contrary"]
    nk = blobs.uns["tgt"]["groups"].tolist().index("NK")
    assert (found[:, nk] == 1).all() and np.delete(found, nk, axis=1).max() == 0


# --- options --------------------------------------------------------------------------------------------------------


def test_default_sparsities_stay_below_the_number_of_genes(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", method="truncate", judges=False)
    assert blobs.uns["tgt"]["sweep"]["sparsity"].tolist() == [1, 2, 5, 10, 20, 50, 60]
    sweep = scgce.get.sweep(blobs)
    validated = sweep[["validation_correctness", "validation_coverage"]].mean(axis=1)
    chosen = sweep["sparsity"][validated >= validated.max() - 0.05].min()
    assert blobs.uns["tgt"]["params"]["sparsity_selected"] == chosen


@pytest.mark.parametrize("r, amplitude", [("linear", 3.0), ("network", None), ("network", 3.0)])
def test_forbidden_genes_are_never_used(blobs: ad.AnnData, r: str, amplitude: float | None) -> None:
    blobs.var["allowed"] = np.arange(D) % 2 == 0
    costs = np.ones(D)
    costs[:10] = np.inf
    options = {**QUICK, "mask_var": "allowed", "gene_costs": costs, "amplitude": amplitude}
    options |= {"use_rep": None, "encoder": network(True)} if r == "network" else {}
    for method in ("truncate", "path"):
        scgce.tl.tgt(blobs, "group", **options, method=method, lam=(0.02, 0.1, 0.4))
        used = np.flatnonzero(np.any([basis != basis[0] for _, basis in blocks(blobs)], axis=(0, 1)))
        assert used.size and (used % 2 == 0).all() and used.min() >= 10


def test_cheap_genes_are_used_first(blobs: ad.AnnData) -> None:
    blobs.var["price"] = np.where(np.arange(D) < 20, np.where(np.arange(D) % 5 < 2, 0.2, 5.0), 1.0)
    shares = []
    for costs in (None, "price"):
        scgce.tl.tgt(blobs, "group", **QUICK, method="path", gene_costs=costs)
        used = np.flatnonzero((blobs.uns["tgt"]["deltas"] != 0).any(axis=0))
        shares.append(np.mean(blobs.var["price"].to_numpy()[used] < 1))
    assert shares[0] < 0.5 < shares[1]


def test_pricing_genes_once_needs_no_more_of_them(blobs: ad.AnnData) -> None:
    options = QUICK | {"sparsity": 5}
    panels = {}
    for penalty in ("pair", "gene"):
        one = scgce.tl.tgt(blobs, "group", **options, method="truncate", amplitude=None, penalty=penalty, copy=True)
        panels[penalty] = len(set(scgce.get.pairs(one)["gene"]))
        assert one.uns["tgt"]["params"]["penalty"] == {"pair": 1.0, "gene": 0.0}[penalty]
    assert panels["gene"] <= panels["pair"]


def test_given_lambdas_are_solved_for(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", **QUICK, method="truncate", lam=(0.5, 2.0))
    entry = blobs.uns["tgt"]
    assert entry["path"]["lam"].tolist() == [2.0, 0.5]
    assert set(entry["sweep"]["lam"].tolist()) <= {2.0, 0.5}
    assert entry["path"]["converged"].all()
    scgce.tl.tgt(blobs, "group", **QUICK, method="path", lam=1e9)
    assert (blobs.uns["tgt"]["deltas"] == 0).all() and (blobs.uns["tgt"]["n_genes"] == 0).all()


def test_some_groups_only_and_a_reference(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", **QUICK, method="truncate", groups=["NK", "B/1"], reference="NK")
    entry = blobs.uns["tgt"]
    assert entry["groups"].tolist() == ["B/1", "NK"] and entry["params"]["reference"] == "NK"
    assert (entry["deltas"][1] == 0).all() and (entry["deltas"][0] != 0).any()
    assert ((entry["split"] == -1) == ~blobs.obs["group"].isin(["NK", "B/1"])).all()


def test_integer_groups_take_an_integer_reference(blobs: ad.AnnData) -> None:
    blobs.obs["number"] = blobs.obs["group"].cat.codes.to_numpy().astype(int)
    scgce.tl.tgt(blobs, "number", **QUICK, method="truncate", reference=2)
    assert blobs.uns["tgt"]["groups"].tolist() == ["0", "1", "2", "3"]
    assert (blobs.uns["tgt"]["deltas"][2] == 0).all() and blobs.uns["tgt"]["params"]["reference"] == "2"


def test_without_a_split_every_cell_does_everything(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", **QUICK, method="truncate", validation_fraction=0)
    entry = blobs.uns["tgt"]
    assert (entry["split"] == 0).all()
    np.testing.assert_array_equal(entry["sweep"]["correctness"], entry["sweep"]["validation_correctness"])


def test_epsilon_may_be_given_or_hold_in_every_group(blobs: ad.AnnData) -> None:
    found = {}
    for epsilon in (None, "mean", "max", 2.5):
        scgce.tl.tgt(blobs, "group", **QUICK, method="truncate", epsilon=epsilon)
        found[epsilon] = blobs.uns["tgt"]["epsilon"], blobs.uns["tgt"]["params"]["epsilon_rule"]
    assert found[None] == found["mean"] and found["mean"][1] == "mean"
    assert found["max"][0] > found["mean"][0] and found["max"][1] == "max"
    assert found[2.5] == (2.5, "given")


def test_nonnegative_amounts_take_no_mean_below_zero(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", **QUICK, method="refine", nonnegative=True)
    for k, basis in blocks(blobs):
        reached = blobs.uns["tgt"]["means"][:, None] + reported(basis, k, True)
        assert reached.min() > -1e-5
    assert (blobs.uns["tgt"]["deltas"] != 0).any()


# --- encoders -------------------------------------------------------------------------------------------------------


def network(first: bool) -> nn.Module:
    """The same function with and without a visible first linear map."""
    layers = nn.Sequential(nn.Linear(D, 12), nn.ELU(), nn.Linear(12, 2))
    generator = torch.Generator().manual_seed(0)
    for parameter in layers.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / 3

    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterList(list(layers.parameters()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            W, b, V, c = self.weights
            return nn.functional.elu(x @ W.T + b) @ V.T + c

    return layers if first else Hidden()


@pytest.mark.thorough  # two coarse paths need not end at the same place
@pytest.mark.parametrize("clip", [False, True])
def test_a_module_gives_the_same_with_and_without_its_first_linear_map(blobs: ad.AnnData, clip: bool) -> None:
    found = []
    for first in (True, False):
        options = QUICK | {"use_rep": None, "encoder": network(first), "sparsity": 3, "clip": clip}
        one = scgce.tl.tgt(blobs, "group", **options, method="truncate", copy=True)
        found.append(one.uns["tgt"])
    np.testing.assert_allclose(found[0]["deltas"], found[1]["deltas"], atol=2e-2)
    np.testing.assert_allclose(found[0]["correctness"], found[1]["correctness"], atol=0.11)


def test_a_module_keeps_its_mode_and_its_gradients(blobs: ad.AnnData) -> None:
    module = network(True).train()
    scgce.tl.tgt(blobs, "group", **(QUICK | {"use_rep": None, "encoder": module}), method="truncate")
    assert module.training and all(p.requires_grad and p.grad is None for p in module.parameters())


# --- files and subsets ----------------------------------------------------------------------------------------------

LABELS = ["CD4+/CD25 T Reg", "CD8+/CD45RA+ Naive Cytotoxic", "CD34+", "Dendritic"]


def test_results_survive_files_and_subsets(blobs: ad.AnnData, tmp_path: Path) -> None:
    blobs.obs["group"] = blobs.obs["group"].cat.rename_categories(LABELS)
    scgce.tl.tgt(blobs, "group", **(QUICK | {"judges": True}), method="truncate")
    back = [reread(blobs, kind, tmp_path) for kind in ("h5ad", "zarr")]
    readers = (scgce.get.sweep, scgce.get.metrics, scgce.get.pairs, scgce.get.markers)
    wanted = [read(blobs) for read in readers]
    for adata in [*back, *(one[:, [40, 3, 7, 16]].copy() for one in back)]:
        for read, expected in zip(readers, wanted, strict=True):
            pd.testing.assert_frame_equal(read(adata), expected)
        one = scgce.get.explanation(adata, LABELS[0], LABELS[1], sparsity=2)
        pd.testing.assert_frame_equal(one, scgce.get.explanation(blobs, LABELS[0], LABELS[1], sparsity=2))
        assert len(one) == 2
        opposite = scgce.get.explanation(adata, LABELS[1], LABELS[0], sparsity=2)
        assert opposite["delta"].tolist() == (-one["delta"]).tolist()
    for adata in back:
        encoder = encoder_from_uns(adata.uns["tgt"]["encoder"])
        np.testing.assert_array_equal(encoder(adata.X), encoder_from_uns(blobs.uns["tgt"]["encoder"])(blobs.X))


def test_forty_groups_fit_into_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, (400, 50)).astype(np.float32)
    adata = ad.AnnData(sparse.csr_matrix(np.log1p(X)))
    adata.obs["type"] = pd.Categorical([f"type/{i % 40} of a rather long name" for i in range(400)])
    sc.pp.pca(adata, n_comps=5)
    scgce.tl.tgt(adata, "type", **(QUICK | {"sparsity": 2}), method="truncate", lam=1.0)
    adata.write_h5ad(tmp_path / "forty.h5ad")
    assert len(scgce.get.metrics(ad.read_h5ad(tmp_path / "forty.h5ad"))) == 40 * 39


# --- quality and size -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_few_genes_convince_held_out_cells_where_the_difference_of_means_does_not(pbmc68k: ad.AnnData) -> None:
    options = {"use_rep": "X_umap", "sparsity": 20, "judges": False}
    student = None
    gains = {}
    for amplitude in (None, 3.0):
        extra = {} if student is None else {"use_rep": None, "encoder": student}
        scgce.tl.tgt(pbmc68k, "bulk_labels", **(options | extra), amplitude=amplitude)
        student = encoder_from_uns(pbmc68k.uns["tgt"]["encoder"])
        row = scgce.get.sweep(pbmc68k).iloc[0]
        gains[amplitude] = row["correctness"] - row["dbm_correctness"]
    assert gains[None] >= 0.25
    assert gains[3.0] >= 0.1


def test_the_matrix_is_never_made_dense() -> None:
    n, d, l = 8_000, 20_000, 5
    X = sparse.random(n, d, density=0.02, format="csr", dtype=np.float32, random_state=np.random.default_rng(0))
    codes = np.arange(n) % l
    adata = ad.AnnData(X, obs=pd.DataFrame({"type": pd.Categorical(codes.astype(str))}, index=np.arange(n).astype(str)))
    W = np.random.default_rng(1).normal(size=(d, 10)).astype(np.float32) / 50
    for g in range(l):
        W[20 * g : 20 * g + 20, g] += 0.5
    encoder = Encoder(kind="linear", genes=adata.var_names, W=W, b=np.zeros(10), tail=nn.Identity(), n_dims=10)
    tracemalloc.start()
    try:
        scgce.tl.tgt(adata, "type", encoder=encoder, sparsity=10, method="truncate")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * n * d / 8, "an eighth of what the dense matrix would take"
