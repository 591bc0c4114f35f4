"""The path of penalties."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, store_result
from tests.pl._legible import assert_legible

from scgce import pl
from scgce.pl._path import path_data


@pytest.fixture
def adata():
    return store_result(blobs())


def test_data_are_the_stored_path(adata):
    frame = path_data(adata)
    stored = adata.uns["tgt"]["path"]
    for name in ("objective", "n_genes_mean", "n_genes_max"):
        part = frame[frame["measure"] == name].sort_values("lam", ascending=False)
        order = np.argsort(-stored["lam"])
        np.testing.assert_array_equal(part["lam"], stored["lam"][order])
        np.testing.assert_array_equal(part["value"], stored[name][order])
    chosen = frame[frame["measure"] == "sparsity"]
    assert dict(zip(chosen["value"], chosen["lam"], strict=True)) == dict(
        zip([1, 2, 5], adata.uns["tgt"]["sweep"]["lam"], strict=True)
    )


def test_levels_count_different_amounts(adata):
    stored = adata.uns["tgt"]
    basis = np.zeros_like(stored["deltas"])
    basis[:, 0] = [0, 0, 1, 2]  # three levels
    basis[:, 1] = [0, 5, 0, 0]  # two
    stored["deltas"] = basis
    frame = path_data(adata)
    levels = frame[frame["measure"] == "levels"].set_index("lam")["value"]
    assert levels[stored["sweep"]["lam"][2]] == 2.5
    stored["deltas"] = 0 * basis
    frame = path_data(adata)
    assert frame[frame["measure"] == "levels"].set_index("lam")["value"][stored["sweep"]["lam"][2]] == 1


def test_lambda_falls_to_the_right(adata):
    axes = pl.path(adata)
    assert len(axes) == 3
    assert axes[0].get_xscale() == "log"
    left, right = axes[0].get_xlim()
    assert left > right


def test_sparsities_of_one_lambda_are_all_drawn(adata):
    adata.uns["tgt"]["sweep"]["lam"] = np.array([0.5, 0.1, 0.1])
    axes = pl.path(adata)
    dots = {(x, y) for x, y in zip(*axes[1].lines[-1].get_data(), strict=True)}
    assert dots == {(0.5, 1.0), (0.1, 2.0), (0.1, 5.0)}


def test_a_short_path_has_legible_ticks(adata):
    adata.uns["tgt"]["path"]["lam"] = np.linspace(0.3, 0.2, 12)
    adata.uns["tgt"]["sweep"]["lam"] = np.full(3, 0.25)
    assert_legible(pl.path(adata, return_fig=True))


def test_no_path(adata):
    del adata.uns["tgt"]["path"]
    with pytest.raises(KeyError, match="no path over λ"):
        pl.path(adata)
