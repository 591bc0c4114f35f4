"""Explanations of pairs as frames."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from tests._results import blobs, store_result

from scgce import get

A, B = "CD4+/CD25 T Reg", "CD8+/CD45RA+ Naive Cytotoxic"
COLUMNS = ["gene", "delta", "change", "mean_source", "mean_after", "mean_target", "mean_difference", "share"]


@pytest.fixture(params=[True, False], ids=["pair_cut", "consistent"])
def adata(request):
    return store_result(blobs(), pair_cut=request.param)


def by_hand(adata, source, target, k):
    """The explanation straight from the stored arrays, with a cut of its own."""
    stored = adata.uns["tgt"]
    groups = list(stored["groups"])
    i, j = groups.index(source), groups.index(target)
    start = list(stored["sweep"]["sparsity"]).index(k) * len(groups)
    basis = stored["sweep"]["deltas"].toarray()[start : start + len(groups)]
    delta = basis[j] - basis[i]
    if stored["params"]["pair_cut"]:
        delta = np.where(np.argsort(np.argsort(-np.abs(delta), kind="stable")) < k, delta, 0)
    return {g: d for g, d in zip(stored["genes"], delta, strict=True) if d != 0}


@pytest.mark.parametrize("sparsity", [1, 2, 5])
def test_values_are_those_stored(adata, sparsity):
    frame = get.explanation(adata, A, B, sparsity=sparsity)
    assert list(frame.columns) == COLUMNS
    assert frame.set_index("gene")["delta"].to_dict() == pytest.approx(by_hand(adata, A, B, sparsity))
    assert len(frame) == sparsity
    assert frame["delta"].abs().is_monotonic_decreasing
    means = adata.to_df().groupby(adata.obs["cell_type"].astype(str)).mean()
    np.testing.assert_allclose(frame["mean_source"], means.loc[A, frame["gene"]], rtol=1e-5)
    np.testing.assert_allclose(frame["mean_target"], means.loc[B, frame["gene"]], rtol=1e-5)
    np.testing.assert_allclose(frame["mean_difference"], frame["mean_target"] - frame["mean_source"])
    np.testing.assert_allclose(frame["share"], frame["delta"] / frame["mean_difference"])


def test_selected_sparsity_is_the_default(adata):
    selected = adata.uns["tgt"]["params"]["sparsity_selected"]
    assert get.explanation(adata, A, B).equals(get.explanation(adata, A, B, sparsity=selected))
    assert get.explanation(adata, A, B).attrs["sparsity"] == selected


def test_direction(adata):
    forward, back = get.explanation(adata, A, B), get.explanation(adata, B, A)
    assert forward.attrs["direction"] == f"{A} → {B}: add delta to cells of {A}"
    assert list(forward["gene"]) == list(back["gene"])
    np.testing.assert_array_equal(forward["delta"], -back["delta"])
    np.testing.assert_array_equal(forward["share"], back["share"])


def test_share_is_missing_where_means_agree(adata):
    gene = get.explanation(adata, A, B)["gene"][0]
    adata.uns["tgt"]["means"][:, list(adata.uns["tgt"]["genes"]).index(gene)] = 1.0
    row = get.explanation(adata, A, B).iloc[0]
    assert row["gene"] == gene
    assert row["mean_difference"] == 0
    assert np.isnan(row["share"])


def test_subset_reordered_and_reread_data_say_the_same(adata, tmp_path):
    expected = get.explanation(adata, A, B)
    fewer = adata[:, adata.var_names[::-3]].copy()
    assert get.explanation(fewer, A, B).equals(expected)
    adata.write_h5ad(tmp_path / "a.h5ad")
    read = ad.read_h5ad(tmp_path / "a.h5ad")
    assert get.explanation(read, A, B).equals(expected)
    assert get.pairs(read).equals(get.pairs(adata))
    assert get.deltas(read).equals(get.deltas(adata))


def test_pairs_hold_every_explanation(adata):
    frame = get.pairs(adata, sparsity=2)
    assert list(frame.columns) == ["source", "target", *COLUMNS]
    assert frame.groupby(["source", "target"], sort=False).ngroups == 4 * 3
    for (source, target), part in frame.groupby(["source", "target"], sort=False):
        alone = get.explanation(adata, source, target, sparsity=2)
        assert part[COLUMNS].reset_index(drop=True).equals(alone)


def test_deltas_are_the_stored_basis(adata):
    frame = get.deltas(adata)
    np.testing.assert_array_equal(frame.to_numpy(), adata.uns["tgt"]["deltas"])
    assert list(frame.index) == list(adata.obs["cell_type"].cat.categories)
    assert list(frame.columns) == list(adata.var_names)
    assert not get.deltas(adata, sparsity=1).equals(frame)


def test_group_names_that_are_numbers(adata):
    adata.uns["tgt"]["groups"] = np.array(["0", "1", "2", "3"], dtype=object)
    assert get.explanation(adata, 0, 1).equals(get.explanation(adata, "0", "1"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"source": "CD34"}, ValueError, r"source='CD34'.*found: CD4\+/CD25.*mean 'CD34\+'"),
        ({"target": "T"}, ValueError, "target='T'.*found.*Dendritic"),
        ({"target": A}, ValueError, "source and target are both"),
        ({"sparsity": 3}, ValueError, "sparsity=3.*found: 1, 2, 5"),
        ({"key": "tgt2"}, KeyError, "tgt2.*found: tgt.*mean 'tgt'"),
        ({"key": "foreign"}, ValueError, "foreign.*not written by scgce"),
    ],
)
def test_mistakes_name_what_there_is(adata, arguments, error, message):
    adata.uns["foreign"] = {"x": 1}
    with pytest.raises(error, match=message):
        get.explanation(adata, **({"source": A, "target": B} | arguments))
