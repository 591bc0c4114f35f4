"""The map that is fitted where the user gives none: from the fitting cells alone."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs as ring

import scgce
from scgce.encoders import encoder_from_uns


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("scgce.embedding.source.DEFAULT_STEPS", 20)


def fitted(adata):
    scgce.tl.tgt(adata, "cell_type", method="truncate", sparsity=[2], judges=False)
    return encoder_from_uns(adata.uns["tgt"]["encoder"]), np.asarray(adata.uns["tgt"]["split"])


def test_a_map_is_fitted_where_none_is_given():
    adata = ring()
    encoder, _ = fitted(adata)
    assert encoder.n_dims == 2 and encoder.genes.tolist() == adata.var_names.tolist()
    assert not any(key.startswith("X_scvis") for key in adata.obsm)


def test_cells_that_select_or_are_reported_do_not_change_it():
    adata = ring()
    first, split = fitted(adata.copy())
    dense = adata.X.toarray()
    dense[split != 0] *= 1.5
    adata.X = dense
    second, again = fitted(adata)
    np.testing.assert_array_equal(split, again)
    np.testing.assert_array_equal(first.W, second.W)
