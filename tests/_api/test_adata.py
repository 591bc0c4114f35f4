from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse

from scgce._api import adata as _adata

# --- matrix, names, representation ----------------------------------------------------------------------------------


def test_matrix_or_layer(blobs: ad.AnnData) -> None:
    blobs.layers["twice"] = blobs.X * 2
    assert _adata.get_matrix(blobs, None) is blobs.X
    assert _adata.get_matrix(blobs, "twice") is blobs.layers["twice"]


def test_unknown_layer(blobs: ad.AnnData) -> None:
    blobs.layers["lognorm"] = blobs.X
    with pytest.raises(KeyError, match="layer='log_norm' not in adata.layers; found: lognorm; did you mean 'lognorm'"):
        _adata.get_matrix(blobs, "log_norm")


def test_no_matrix(blobs: ad.AnnData) -> None:
    blobs.layers["log"] = blobs.X
    blobs.X = None
    with pytest.raises(ValueError, match=r"adata\.X is None; give layer=…; found layers: log"):
        _adata.get_matrix(blobs, None)


def test_gene_names(blobs: ad.AnnData) -> None:
    names = _adata.gene_names(blobs)
    assert names.shape == (60,)
    assert names[:2].tolist() == ["gene0", "gene1"]


def test_duplicate_gene_names(blobs: ad.AnnData) -> None:
    blobs.var_names = ["A", "B", "A", "B", *[f"g{k}" for k in range(56)]]
    with pytest.raises(
        ValueError, match=r"not unique: A, B occur more than once; run adata\.var_names_make_unique\(\)"
    ):
        _adata.gene_names(blobs)
    blobs.var_names_make_unique()
    assert len(set(_adata.gene_names(blobs))) == 60


@pytest.mark.parametrize("stored", ["X_pca", "pca"])
@pytest.mark.parametrize("asked", ["X_pca", "pca"])
def test_pca_has_two_names(stored: str, asked: str) -> None:
    adata = ad.AnnData(np.ones((3, 2)), obsm={stored: np.ones((3, 2)), "X_umap": np.ones((3, 2))})
    assert _adata.basis_key(adata, asked) == stored


def test_the_exact_key_comes_first() -> None:
    adata = ad.AnnData(np.ones((3, 2)), obsm={"X_pca": np.ones((3, 2)), "pca": np.zeros((3, 2))})
    assert _adata.basis_key(adata, "pca") == "pca"
    assert _adata.basis_key(adata, "X_pca") == "X_pca"


def test_unknown_representation(blobs: ad.AnnData) -> None:
    with pytest.raises(
        KeyError, match="use_rep='X_umpa' not in adata.obsm; found: X_pca, X_umap; did you mean 'X_umap'"
    ):
        _adata.basis_key(blobs, "X_umpa")


# --- masks ----------------------------------------------------------------------------------------------------------


def test_masks(blobs: ad.AnnData) -> None:
    first = np.arange(60) < 10
    blobs.var["hvg"] = first
    blobs.var["nullable"] = pd.array(first, dtype="boolean")
    shuffled = pd.Series(first, index=blobs.var_names).sample(frac=1, random_state=0)
    blobs.var["objects"], blobs.var["kinds"] = first.astype(object), pd.Categorical(first)
    by_name = dict(zip(blobs.var_names, first.tolist(), strict=True))
    for spec in ("hvg", "nullable", "objects", "kinds", first, first.tolist(), first.astype(object), shuffled, by_name):
        mask = _adata.gene_mask(blobs, spec)
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, first)
    assert _adata.gene_mask(blobs, None).all()


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("hgv", KeyError, "mask_var='hgv' not in adata.var; found: hvg, rank; did you mean 'hvg'"),
        ("rank", ValueError, "mask_var='rank' has dtype int64; expected booleans"),
        (np.ones(60), ValueError, r"mask_var \(ndarray\) has dtype float64; expected booleans"),
        (np.ones(59, dtype=bool), ValueError, r"shape \(59,\); expected \(60,\), one value a gene"),
        (np.zeros(60, dtype=bool), ValueError, "leaves no gene"),
        (pd.array([True, None] * 30, dtype="boolean"), ValueError, "expected booleans, .*; found: .*NA"),
        (["True", "False"] * 30, ValueError, "expected booleans, True or False for every gene; found: True, False"),
        ([True, None] * 30, ValueError, "expected booleans, .*; found: None"),
        (np.array([1, 0] * 30, dtype=object), ValueError, "expected booleans, .*; found: 1, 0"),
        (pd.Series([True], index=["gene0"]), KeyError, r"no value for 59 genes, .*: gene1, .*\(59 in all\)"),
    ],
)
def test_bad_masks(blobs: ad.AnnData, spec: Any, error: type, message: str) -> None:
    blobs.var["hvg"], blobs.var["rank"] = True, np.arange(60)
    with pytest.raises(error, match=message):
        _adata.gene_mask(blobs, spec)


# --- costs ----------------------------------------------------------------------------------------------------------


def test_costs(blobs: ad.AnnData) -> None:
    prices = np.linspace(0, 5, 60)
    prices[7] = np.inf
    blobs.var["price"] = prices
    by_name = pd.Series(prices, index=blobs.var_names)[::-1]
    for spec in ("price", prices, prices.tolist(), by_name, by_name.to_dict()):
        costs = _adata.gene_costs(blobs, spec)
        assert costs.dtype == np.float64
        np.testing.assert_array_equal(costs, prices)
    np.testing.assert_array_equal(_adata.gene_costs(blobs, None), np.ones(60))
    np.testing.assert_array_equal(_adata.gene_costs(blobs, np.arange(60)), np.arange(60.0))


@pytest.mark.parametrize("form", [dict, pd.Series])
def test_genes_without_a_price_cost_one(blobs: ad.AnnData, form: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "scgce")
    expected = np.ones(60)
    expected[[3, 8]] = np.inf, 2.0
    np.testing.assert_array_equal(_adata.gene_costs(blobs, form({"gene3": np.inf, "gene8": 2.0})), expected)
    assert "names 2 of 60 genes; the others have 1 each" in caplog.text
    with pytest.warns(UserWarning, match=r"names 2 of 60 genes.*not in adata.var_names: MALAT"):
        costs = _adata.gene_costs(blobs, form({"gene3": np.inf, "MALAT": np.inf, "gene8": 2}))
    np.testing.assert_array_equal(costs, expected)


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("cost", KeyError, "gene_costs='cost' not in adata.var; found: costs, name, symbol; did you mean 'costs'"),
        ("name", ValueError, "gene_costs='name' holds text; expected numbers"),
        (["1.5"] * 60, ValueError, r"gene_costs \(list\) holds text"),
        (np.ones(60, dtype=bool), ValueError, "holds truth values; expected numbers"),
        (
            {"MALAT1": 2.0},
            KeyError,
            r"names no gene of adata.var_names \(gene0, .*found: MALAT1; adata.var\['symbol'\]",
        ),
        ({"gene1": np.nan, "gene2": 1.0}, ValueError, "0 or above .* found gene1: nan"),
        (pd.Series(np.inf, index=range(60)), KeyError, "names no gene"),
        ({"gene1": "2", "gene2": 1.0}, ValueError, "holds text; expected numbers"),
        ({"gene1": True}, ValueError, "holds truth values; expected numbers"),
        (pd.Series(1.0, index=[f"gene{g % 60}" for g in range(61)]), ValueError, "names genes more than once: gene0"),
        ([-1.0, np.nan] + [1.0] * 58, ValueError, "0 or above .* found gene0: -1.0, gene1: nan"),
        (np.full(60, np.inf), ValueError, "forbids every gene"),
        (np.ones((60, 1)), ValueError, r"shape \(60, 1\); expected \(60,\)"),
    ],
)
def test_bad_costs(blobs: ad.AnnData, spec: Any, error: type, message: str) -> None:
    blobs.var["costs"], blobs.var["name"] = 1.0, "x"
    blobs.var["symbol"] = ["MALAT1", *blobs.var_names[1:]]
    with pytest.raises(error, match=message):
        _adata.gene_costs(blobs, spec)


# --- hints ----------------------------------------------------------------------------------------------------------


def test_counts_are_warned_about(as_kind: Callable[[sparse.csr_matrix], Any]) -> None:
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(20, size=(40, 30)).astype(np.float32))
    counts[3, 3] = 80
    with pytest.warns(UserWarning, match=r"adata\.X looks like raw counts \(whole numbers up to 80\).*log1p"):
        assert _adata.warn_if_counts(as_kind(counts), "adata.X")


@pytest.mark.parametrize(
    "X",
    [
        np.array([[0.5, 90.0]]),  # not whole
        np.array([[50.0, 3.0]]),  # small
        np.array([[-60.0, 90.0]]),  # negative
        sparse.csr_matrix((4, 5)),  # nothing stored
        np.log1p(np.arange(100.0)).reshape(10, 10),
    ],
)
def test_other_values_are_not_warned_about(X: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not _adata.warn_if_counts(X, "adata.X")


def test_integer_counts_are_warned_about() -> None:
    with pytest.warns(UserWarning, match="raw counts"):
        assert _adata.warn_if_counts(np.full((3, 4), 99), "layers['counts']")


def test_scaled_matrix_beside_raw() -> None:
    adata = sc.datasets.pbmc68k_reduced()
    adata.layers["log"] = np.abs(adata.X)
    with pytest.warns(UserWarning, match=r"negative values, as after sc\.pp\.scale.*adata\.raw\.to_adata\(\)"):
        assert _adata.warn_if_scaled(adata, None)
    assert not _adata.warn_if_scaled(adata, "log")
    assert not _adata.warn_if_scaled(adata.raw.to_adata(), None)
    adata.X = np.abs(adata.X)
    assert not _adata.warn_if_scaled(adata, None)
