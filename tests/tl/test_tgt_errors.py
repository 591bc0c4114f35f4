"""What cannot be used is refused: the error names the argument, and the AnnData is left as it was."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from tests.tl._frozen import frozen
from torch import nn

import scgce

GOOD = {"groupby": "group", "use_rep": "X_pca", "sparsity": 2, "method": "truncate", "judges": False}


class Blind(nn.Module):
    """An encoder that breaks on every cell, or only on translated ones."""

    def __init__(self, limit: float | None = None) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = x[:, :2].clone()
        broken = torch.ones(len(x), dtype=torch.bool) if self.limit is None else x.abs().amax(1) > self.limit
        out[broken] = torch.nan
        return out


# what is given · the error · what the message must name
ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"groupby": "grup"}, KeyError, "groupby='grup'.*did you mean 'group'"),
    ({"groupby": []}, TypeError, "groupby="),
    ({"groupby": "size"}, ValueError, "groupby='size' is a number with 300 different values"),
    ({"groupby": "one"}, ValueError, "groupby='one'.*at least two"),
    ({"groupby": "rare"}, ValueError, r"groupby='rare'.*min_cells=3.*few \(2\)"),
    ({"groupby": "alike"}, ValueError, "groupby='alike'.*same as text"),
    ({"groupby": "nothing"}, ValueError, "groupby='nothing'"),
    ({"min_cells": 76}, ValueError, "min_cells=76"),
    ({"min_cells": 0}, ValueError, "min_cells=0"),
    ({"min_cells": 2.5}, ValueError, "min_cells=2.5"),
    ({"groups": ["NK"]}, ValueError, "groups=.*at least two"),
    ({"groups": ["NK", "nk cell"]}, KeyError, "groups='nk cell'"),
    ({"groups": "NK"}, ValueError, "groups='NK'"),
    ({"reference": "rest"}, KeyError, "reference='rest'.*B/1"),
    ({"use_rep": "X_umpa"}, KeyError, "use_rep='X_umpa'.*X_pca"),
    ({"use_rep": "X_other"}, ValueError, "X_other"),
    ({"use_rep": "X_nan"}, ValueError, "X_nan"),
    ({"layer": "counts"}, KeyError, "layer='counts'"),
    ({"layer": "nan"}, ValueError, r"layers\['nan'\].*NaN"),
    ({"layer": "inf"}, ValueError, r"layers\['inf'\].*infinite"),
    ({"layer": "bool"}, ValueError, "X_pca|layers"),
    ({"encoder": nn.Linear(7, 2), "use_rep": None}, ValueError, "7"),
    ({"encoder": Blind(), "use_rep": None}, ValueError, "NaN"),
    ({"encoder": Blind(2.5), "use_rep": None, "lam": 1e-3, "clip": None}, ValueError, "NaN"),
    ({"encoder": "nowhere.safetensors", "use_rep": None}, (OSError, ValueError), "nowhere"),  # type: ignore[list-item]
    ({"encoder": 3, "use_rep": None}, TypeError, "encoder"),
    ({"sparsity": 0}, ValueError, "sparsity=0"),
    ({"sparsity": 61}, ValueError, "sparsity=61.*60"),
    ({"sparsity": -1}, ValueError, "sparsity=-1"),
    ({"sparsity": (5, 100)}, ValueError, "sparsity=100"),
    ({"sparsity": 2.0}, TypeError, "sparsity=2.0"),
    ({"sparsity": True}, TypeError, "sparsity=True"),
    ({"sparsity": "few"}, ValueError, "sparsity='few'"),
    ({"sparsity": ()}, ValueError, "sparsity"),
    ({"sparsity": None}, TypeError, "sparsity=None"),
    ({"sparsity": 11, "mask_var": np.arange(60) < 10}, ValueError, "sparsity=11.*10"),
    ({"method": "exact"}, ValueError, "method='exact'.*'refine'"),
    ({"amplitude": 0}, ValueError, "amplitude=0"),
    ({"amplitude": -3.0}, ValueError, "amplitude=-3.0"),
    ({"amplitude": float("inf")}, ValueError, "amplitude=inf.*None"),
    ({"amplitude": float("nan")}, ValueError, "amplitude=nan"),
    ({"amplitude": "3"}, TypeError, "amplitude='3'"),
    ({"nonnegative": True, "amplitude": None}, ValueError, "nonnegative"),
    ({"clip": "no"}, TypeError, "clip='no'"),
    ({"penalty": "genes"}, ValueError, "penalty='genes'"),
    ({"penalty": 1.2}, ValueError, "penalty=1.2"),
    ({"penalty": None}, ValueError, "penalty=None"),
    ({"lam": 0.0}, ValueError, "lam=0.0"),
    ({"lam": [0.1, -1.0]}, ValueError, "lam=.*-1.0"),
    ({"lam": []}, ValueError, "lam"),
    ({"lam": "auto"}, TypeError, "lam"),
    ({"lam": np.array([0.1, np.nan])}, ValueError, "lam=.*nan"),
    ({"lam": object()}, TypeError, "lam=<object"),
    ({"gene_costs": "price"}, KeyError, "gene_costs='price'"),
    ({"gene_costs": -np.ones(60)}, ValueError, "gene_costs.*0 or above"),
    ({"gene_costs": np.full(60, np.nan)}, ValueError, "gene_costs.*nan"),
    ({"gene_costs": np.full(60, np.inf)}, ValueError, "gene_costs.*every gene"),
    ({"gene_costs": np.ones(59)}, ValueError, r"gene_costs.*\(59,\)"),
    ({"mask_var": "highly_variable"}, KeyError, "mask_var='highly_variable'"),
    ({"mask_var": np.zeros(60, dtype=bool)}, ValueError, "mask_var.*no gene"),
    ({"mask_var": np.ones(60)}, ValueError, "mask_var.*booleans"),
    ({"epsilon": 0.0}, ValueError, "epsilon=0.0"),
    ({"epsilon": "median"}, ValueError, "epsilon='median'"),
    ({"epsilon": float("nan")}, ValueError, "epsilon=nan"),
    ({"validation_fraction": 0.5}, ValueError, "validation_fraction=0.5"),
    ({"validation_fraction": -0.1}, ValueError, "validation_fraction=-0.1"),
    ({"validation_fraction": float("nan")}, ValueError, "validation_fraction=nan"),
    ({"validation_fraction": "a"}, ValueError, "validation_fraction='a'"),
    ({"validation_fraction": True}, ValueError, "validation_fraction=True"),
    ({"judges": {"mine": object()}}, TypeError, "judges.*mine"),
    ({"judges": "logreg"}, TypeError, "judges='logreg'"),
    ({"rng": "seed"}, TypeError, "rng='seed'"),
    ({"rng": -1}, TypeError, "rng=-1"),
    ({"rng": None}, TypeError, "rng=None"),
    ({"device": "tpu"}, ValueError, "device='tpu'"),
    ({"key_added": "a/b"}, ValueError, "key_added='a/b'"),
    ({"key_added": ""}, ValueError, "key_added=''"),
    ({"key_added": 5}, ValueError, "key_added=5"),
]


@pytest.fixture
def hazards(blobs: ad.AnnData) -> ad.AnnData:
    """The blobs with columns, layers and representations that cannot be used."""
    blobs.obs["size"] = np.random.default_rng(0).random(300)
    blobs.obs["one"] = "same"
    blobs.obs["rare"] = pd.Categorical(["few"] * 2 + ["many"] * 298)
    blobs.obs["alike"] = pd.Series([1, "1"] * 150, index=blobs.obs_names, dtype=object).astype("category")
    blobs.obs["nothing"] = pd.Categorical([None] * 300, categories=["a", "b"])
    for name, bad in (("nan", np.nan), ("inf", np.inf)):
        X = blobs.X.copy()
        X.data[17] = bad
        blobs.layers[name] = X
    blobs.layers["bool"] = blobs.X > 0
    blobs.obsm["X_other"] = np.random.default_rng(1).normal(size=(300, 2))
    blobs.obsm["X_nan"] = np.full((300, 2), np.nan)
    return blobs


@pytest.mark.filterwarnings("ignore:the student of X_other")
@pytest.mark.parametrize(
    "arguments, error, message", ARGUMENTS, ids=[f"{'-'.join(a)}-{i}" for i, (a, _, _) in enumerate(ARGUMENTS)]
)
def test_what_cannot_be_used_is_refused(
    hazards: ad.AnnData, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    before = frozen(hazards)
    with pytest.raises(error, match=message) as caught:
        scgce.tl.tgt(hazards, **(GOOD | arguments))
    assert not isinstance(caught.value, AssertionError | AttributeError | IndexError)
    assert frozen(hazards) == before


def duplicated(adata: ad.AnnData) -> None:
    adata.var_names = ["gene0", *adata.var_names[:-1]]


def nan_in_x(adata: ad.AnnData) -> None:
    adata.X.data[3] = np.nan


def infinite_x(adata: ad.AnnData) -> None:
    adata.X = np.full(adata.shape, np.inf, dtype=np.float32)


def text_in_x(adata: ad.AnnData) -> None:
    adata.X = adata.X.toarray().astype(object)


def no_matrix(adata: ad.AnnData) -> None:
    adata.X = None


def stale_pca(adata: ad.AnnData) -> None:
    adata.X = adata.X[np.random.default_rng(0).permutation(adata.n_obs)]


def scaled(adata: ad.AnnData) -> None:
    X = adata.X.toarray()
    adata.X = (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (duplicated, "var_names are not unique: gene0"),
        (nan_in_x, r"adata\.X.*NaN"),
        (infinite_x, r"adata\.X.*infinite"),
        (text_in_x, r"adata\.X.*(dtype|numbers|numeric)"),
        (no_matrix, r"adata\.X is None.*layer"),
        (stale_pca, "X_pca"),
        (scaled, "X_pca"),
    ],
)
def test_an_annotated_matrix_that_cannot_be_used_is_refused(
    blobs: ad.AnnData, spoil: Callable[[ad.AnnData], None], message: str
) -> None:
    spoil(blobs)
    before = frozen(blobs)
    with pytest.raises((ValueError, TypeError), match=message):
        scgce.tl.tgt(blobs, **GOOD)
    assert frozen(blobs) == before


def test_a_subset_of_the_genes_of_the_pca_is_refused_and_says_what_to_do(blobs: ad.AnnData) -> None:
    few = blobs[:, 10:].copy()
    before = frozen(few)
    with pytest.raises(ValueError, match="X_pca"):
        scgce.tl.tgt(few, **GOOD)
    assert frozen(few) == before


@pytest.mark.parametrize("where", ["prepare", "explanations", "report_on", "stored", "write_result"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_everything_as_it_was(
    blobs: ad.AnnData, where: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["scgce.tl._tgt"]
    scgce.tl.tgt(blobs, **GOOD)
    before = frozen(blobs)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    assert hasattr(module, where)
    monkeypatch.setattr(module, where, fail)
    with pytest.raises(error):
        scgce.tl.tgt(blobs, **(GOOD | {"sparsity": 3}))
    assert frozen(blobs) == before


def test_copy_of_a_bad_call_is_nothing_and_a_later_good_call_works(blobs: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="sparsity=0"):
        scgce.tl.tgt(blobs, **(GOOD | {"sparsity": 0}), copy=True)
    scgce.tl.tgt(blobs, **GOOD)
    assert "tgt" in blobs.uns


@pytest.mark.parametrize("epsilon, said", [(1.0, False), (1e3, True)])
def test_a_map_too_coarse_for_its_groups_is_said_so(blobs: ad.AnnData, epsilon: float, said: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scgce.tl.tgt(blobs, **GOOD, epsilon=epsilon)
    assert any("of the order of the distance between groups" in str(one.message) for one in caught) is said


def test_hazards_that_are_no_errors(blobs: ad.AnnData) -> None:
    """Unused categories, cells without a label, constant genes, empty cells, an unused gene, two groups."""
    X = blobs.X.toarray()
    X[:, 59] = 1.5  # constant
    X[:, 58] = 0.0  # absent
    X[5] = 0.0
    blobs.X = sparse.csr_matrix(X)
    centred = X - X.mean(axis=0)
    blobs.obsm["X_pca"] = centred @ blobs.varm["PCs"]
    labels = blobs.obs["group"].astype(object).where(~blobs.obs["group"].isin(["3", "NK"]), None)
    blobs.obs["group"] = pd.Categorical(labels, categories=["unused", "B/1", "T cell"])
    scgce.tl.tgt(blobs, **GOOD)
    entry = blobs.uns["tgt"]
    assert entry["groups"].tolist() == ["B/1", "T cell"]
    assert (entry["split"] == -1).sum() == 150
    assert (entry["deltas"][:, 58:] == 0).all() and (entry["deltas"] != 0).any()
    assert np.isfinite(entry["center_distance"])
