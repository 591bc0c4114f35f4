"""What may not matter: arrangement of cells, genes and groups, names, the gauge, threads, blocks, the kind of seed."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import numpy as np
import pytest
import torch
from tests.tl._frozen import frozen

import scgce
from scgce.core.choose.select import METHODS
from scgce.matrix import arrays

OPTIONS = {"use_rep": "X_pca", "sparsity": (2, 5), "judges": False}
SCORES = ("correctness", "coverage", "dbm_correctness", "dbm_coverage", "validation_correctness")


def explain(adata: ad.AnnData, method: str = "truncate", **options: object) -> dict:
    """The result, with the AnnData left as it was."""
    return scgce.tl.tgt(adata, "group", **(OPTIONS | options), method=method, copy=True).uns["tgt"]  # type: ignore[union-attr,arg-type]


def pairs_of(entry: dict, index: int = 1) -> np.ndarray:
    """δ_j - δ_i of one sparsity, (l, l, d)."""
    l = len(entry["groups"])
    basis = entry["sweep"]["deltas"][index * l : (index + 1) * l].toarray().astype(np.float64)
    return basis[None] - basis[:, None]


def assert_alike(one: dict, other: dict, tolerance: float = 1e-5) -> None:
    """Equal amounts up to a share of the largest, and equal scores."""
    size = np.abs(pairs_of(one)).max()
    for index in (0, 1):
        np.testing.assert_allclose(pairs_of(one, index), pairs_of(other, index), rtol=0, atol=tolerance * size)
    for field in SCORES:
        np.testing.assert_allclose(one["sweep"][field], other["sweep"][field], atol=1e-12)
    np.testing.assert_allclose(one["percent_explained"], other["percent_explained"], atol=1e-4)
    assert one["epsilon"] == pytest.approx(other["epsilon"], rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bytes(blobs: ad.AnnData, method: str) -> None:
    entry = explain(blobs, method, sparsity=5)
    torch.randn(3)  # whatever else draws numbers
    np.random.default_rng(1).random(3)
    assert frozen(explain(blobs, method, sparsity=5)) == frozen(entry)


def test_a_generator_gives_a_seed_that_is_stored(blobs: ad.AnnData) -> None:
    entry = explain(blobs, rng=np.random.default_rng(5))
    assert frozen(explain(blobs, rng=np.random.default_rng(5))) == frozen(entry)
    assert frozen(explain(blobs, rng=entry["params"]["seed"])) == frozen(entry)
    other = explain(blobs, rng=entry["params"]["seed"] + 1)
    assert not np.array_equal(other["split"], entry["split"])


def test_no_global_state_is_used_or_moved(blobs: ad.AnnData) -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    explain(blobs, "refine", sparsity=2)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.parametrize("method", ["truncate", "path", "refine"])
def test_arrangement_of_the_cells_does_not_matter(blobs: ad.AnnData, method: str) -> None:
    order = np.random.default_rng(0).permutation(blobs.n_obs)
    one, other = explain(blobs, method), explain(blobs[order].copy(), method)
    assert_alike(one, other, 1e-3 if method == "refine" else 1e-5)
    np.testing.assert_array_equal(one["split"][order], other["split"])


@pytest.mark.parametrize("method", ["truncate", "refine"])
def test_names_of_the_groups_do_not_matter(blobs: ad.AnnData, method: str) -> None:
    one = explain(blobs, method)
    names = ["CD4+/CD25 T Reg", "a", "☂", "Z"]
    blobs.obs["group"] = blobs.obs["group"].cat.rename_categories(names)
    other = explain(blobs, method)
    assert other["groups"].tolist() == names
    assert frozen({**other, "groups": 0}) == frozen({**one, "groups": 0})


@pytest.mark.parametrize("method", ["truncate", "path"])
def test_order_of_the_groups_does_not_matter(blobs: ad.AnnData, method: str) -> None:
    one = explain(blobs, method)
    order = [2, 0, 3, 1]
    blobs.obs["group"] = blobs.obs["group"].cat.reorder_categories(blobs.obs["group"].cat.categories[order])
    other = explain(blobs, method)
    assert other["groups"].tolist() == one["groups"][order].tolist()
    for index in (0, 1):
        np.testing.assert_allclose(
            pairs_of(other, index), pairs_of(one, index)[np.ix_(order, order)], atol=1e-3 * np.abs(pairs_of(one)).max()
        )
    for field in SCORES:
        np.testing.assert_allclose(other["sweep"][field], one["sweep"][field][:, order][:, :, order], atol=1e-12)
    np.testing.assert_array_equal(other["split"], one["split"])


@pytest.mark.parametrize("method", ["truncate", "path"])
def test_order_of_the_genes_does_not_matter(blobs: ad.AnnData, method: str) -> None:
    order = np.random.default_rng(1).permutation(blobs.n_vars)
    one, other = explain(blobs, method), explain(blobs[:, order].copy(), method)
    assert other["genes"].tolist() == one["genes"][order].tolist()
    for index in (0, 1):
        np.testing.assert_allclose(
            pairs_of(other, index), pairs_of(one, index)[:, :, order], atol=1e-3 * np.abs(pairs_of(one)).max()
        )
    for field in SCORES:
        np.testing.assert_allclose(other["sweep"][field], one["sweep"][field], atol=1e-12)


@pytest.mark.parametrize("reference", ["NK", "baseline"])
def test_the_reference_is_a_matter_of_display(blobs: ad.AnnData, reference: str) -> None:
    one, other = explain(blobs), explain(blobs, reference=reference)
    for index in (0, 1):
        np.testing.assert_array_equal(pairs_of(one, index), pairs_of(other, index))
    for field in SCORES:
        np.testing.assert_array_equal(one["sweep"][field], other["sweep"][field])
    if reference == "NK":
        assert (other["deltas"][2] == 0).all()
    else:
        weights = np.sort(other["sizes"]) / other["sizes"].sum()
        zeros = np.array([other["sizes"][column == 0].sum() for column in other["deltas"].T])
        assert (zeros >= weights[0] * other["sizes"].sum()).all(), "some group is the median of every gene"
        below = np.array([other["sizes"][column < 0].sum() for column in other["deltas"].T])
        above = np.array([other["sizes"][column > 0].sum() for column in other["deltas"].T])
        assert (np.maximum(below, above) <= other["sizes"].sum() / 2).all()


@pytest.mark.parametrize("method", ["truncate", "refine"])
def test_units_of_the_map_do_not_matter(blobs: ad.AnnData, method: str) -> None:
    """λ, ε and everything else scale with the representation."""
    one = explain(blobs, method, sparsity=5)
    blobs.obsm["X_pca"] = blobs.obsm["X_pca"] * 64
    blobs.varm["PCs"] = blobs.varm["PCs"] * 64
    other = explain(blobs, method, sparsity=5)
    assert other["epsilon"] == pytest.approx(64 * one["epsilon"], rel=1e-5)
    np.testing.assert_allclose(other["sweep"]["lam"], one["sweep"]["lam"] * 64**2, rtol=1e-3)
    np.testing.assert_allclose(pairs_of(other, 0), pairs_of(one, 0), atol=2e-2 * np.abs(pairs_of(one, 0)).max())
    np.testing.assert_allclose(other["correctness"], one["correctness"], atol=0.06)


@pytest.mark.parametrize("method", ["truncate", "refine"])
def test_threads_do_not_matter(blobs: ad.AnnData, method: str) -> None:
    one = explain(blobs, method, sparsity=5)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        other = explain(blobs, method, sparsity=5)
    finally:
        torch.set_num_threads(threads)
    assert frozen(other) == frozen(one)


def test_size_of_the_blocks_does_not_matter(blobs: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    one = explain(blobs)

    def small(read: Callable) -> Callable:
        return lambda *args, **kwargs: read(*args, **{**kwargs, "block_bytes": 2000})

    for name in ("project_and_sum", "group_sums"):
        monkeypatch.setattr(arrays, name, small(getattr(arrays, name)))
    assert_alike(one, explain(blobs))


def test_cells_of_no_group_do_not_matter(blobs: ad.AnnData) -> None:
    apart = blobs[blobs.obs["group"] != "3"].copy()
    one = explain(apart)
    other = explain(blobs, groups=[name for name in blobs.obs["group"].cat.categories if name != "3"])
    assert one["groups"].tolist() == other["groups"].tolist()
    np.testing.assert_allclose(one["sizes"], other["sizes"])
    blobs.obs["group"] = blobs.obs["group"].where(blobs.obs["group"] != "3")  # the category stays, unused
    missing = explain(blobs)
    assert frozen({**missing, "params": 0}) == frozen({**other, "params": 0})
