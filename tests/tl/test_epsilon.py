"""ε of real AnnData: which cells give it."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree

import scgce

OPTIONS = {"use_rep": "X_pca", "sparsity": 3, "method": "truncate", "lam": 0.05, "judges": False, "device": "cpu"}


def clouds(n_cells: int) -> ad.AnnData:
    """Three groups whose cells are the same however many there are, seen in two linear dimensions."""
    rng = np.random.default_rng(0)
    codes = np.arange(n_cells) % 3
    X = rng.normal(size=(n_cells, 6)) + 6 + 8 * np.eye(3, 6)[codes]
    adata = ad.AnnData(X.astype(np.float32))
    adata.obs["group"] = pd.Categorical(np.array(["a", "b", "c"])[codes])
    loadings = np.linalg.qr(rng.normal(size=(6, 2)))[0]
    adata.varm["PCs"] = loadings
    adata.obsm["X_pca"] = ((adata.X - adata.X.mean(0)) @ loadings).astype(np.float32)
    return adata


def explained(adata: ad.AnnData, **options: object) -> dict:
    scgce.tl.tgt(adata, "group", **OPTIONS, **options)
    return adata.uns["tgt"]


def test_it_is_the_spacing_of_all_cells_where_they_are_few() -> None:
    adata = clouds(600)
    places = adata.obsm["X_pca"].astype(np.float64)
    distances = [cKDTree(cloud).query(cloud, k=2)[0][:, 1] for _, cloud in _groups(adata, places)]
    found = explained(adata)["epsilon"]
    share = np.mean([(d <= found * (1 + 1e-5)).mean() for d in distances])
    below = np.mean([(d <= found * (1 - 1e-5)).mean() for d in distances])
    assert below < 0.95 - 1e-9 < share  # of 600 cells, 570 exactly


@pytest.mark.parametrize("fraction", [0.0, 0.25])
def test_more_cells_of_the_same_groups_do_not_lower_the_scores(fraction: float) -> None:
    few, many = (explained(clouds(n), validation_fraction=fraction) for n in (3_000, 60_000))
    for metric in ("correctness", "coverage"):
        assert np.diag(many[metric]).min() > np.diag(few[metric]).min() - 0.02
        assert many[metric].mean() > few[metric].mean() - 0.03


def _groups(adata: ad.AnnData, places: np.ndarray) -> list[tuple[str, np.ndarray]]:
    return [(name, places[np.asarray(adata.obs["group"] == name)]) for name in "abc"]
