"""Cells in no group change nothing: without label, coordinates or finite values, as an outer concatenation leaves."""

from __future__ import annotations

from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.contract._api import TABLE, at_hand, call, public, tiny

import scgce

N_IDLE = 5
ON_ALL_CELLS = {"tl.scvis", "tl.autoencoder", "tl.umap_loss", "tl.distill", "tl.embed_new", "pl.training"}
"""They know no groups: every cell takes part."""
NAMES = [name for name in public() if name not in ON_ALL_CELLS]
TOOLS = ("tl.tgt", "tl.dbm", "tl.evidence", "tl.stability", "tl.integrated_gradients", "tl.panel", "tl.programs")


def with_idle_cells() -> ad.AnnData:
    """The tiny data, and five more cells that nothing is known of, in between."""
    cells = tiny()
    idle = ad.AnnData(
        sparse.csr_matrix(np.full((N_IDLE, cells.n_vars), np.nan, dtype=np.float32)),
        obs=pd.DataFrame(index=[f"idle{i}" for i in range(N_IDLE)]),
        var=cells.var[[]],
    )
    found = ad.concat([cells[:30], idle, cells[30:]], join="outer", merge="same")
    for key in ("X_pca", "X_umap"):
        found.obsm[key] = np.insert(cells.obsm[key], [30] * N_IDLE, np.nan, axis=0)
    found.varm["PCs"] = cells.varm["PCs"]
    for column in ("group", "half"):
        found.obs[column] = pd.Categorical(found.obs[column])
    return found


@pytest.fixture(scope="module")
def ready() -> ad.AnnData:
    adata = with_idle_cells()
    for name in at_hand((*TOOLS, "tl.tgt in programmes")):
        call(name, adata)
    return adata


def finite(value: Any) -> bool:
    return bool(np.isfinite(np.asarray(value.data if sparse.issparse(value) else value, dtype=float)).all())


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_in_no_group_is_in_nobodys_way(ready: ad.AnnData, name: str) -> None:
    adata = ready.copy()
    if name.startswith("pl."):
        figure = call(name, adata, return_fig=True)
        for place in figure.axes:
            assert np.isfinite([*place.get_xlim(), *place.get_ylim()]).all()
        plt.close(figure)
        return
    call(name, adata)
    for place in TABLE[name].writes:
        entry = adata.uns.get(place.removeprefix("uns/"), {})
        for field in ("deltas", "means", "low", "high", "correctness", "coverage", "attributions"):
            assert field not in entry or finite(entry[field]), field


def test_they_have_no_part_and_the_page_draws_the_others(ready: ad.AnnData, tmp_path: Any) -> None:
    idle = ready.obs_names.str.startswith("idle")
    assert (ready.uns["tgt"]["split"][idle] == -1).all()
    scgce.report(ready, tmp_path / "page.html", basis="X_umap")


def test_with_a_group_they_are_named(ready: ad.AnnData) -> None:
    adata = ready.copy()
    adata.obs["group"] = adata.obs["group"].fillna("NK")
    with pytest.raises(ValueError, match=r"adata\.X holds 60 NaN or infinite values in rows 0 to 76"):
        call("tl.tgt", adata)
    adata.X = np.nan_to_num(adata.X.toarray())
    said = r"adata\.obsm\['{}'\] has NaN .* for 5 of 77 cells that take part: idle0, idle1, idle2, idle3, idle4; "
    for use_rep in ("X_pca", "X_umap"):
        with pytest.raises(ValueError, match=said.format(use_rep)):
            call("tl.tgt", adata, use_rep=use_rep)
    with pytest.raises(ValueError, match=said.format("X_umap")):
        call("tl.distill", adata)
