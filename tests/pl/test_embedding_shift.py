"""Arrows of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, store_result

from scgce import get, pl
from scgce.encoders import encoder_from_uns
from scgce.pl._embedding_shift import embedding_shift_data


@pytest.fixture
def adata():
    return store_result(blobs())


def test_arrows_start_and_end_at_means(adata):
    frame = embedding_shift_data(adata)
    assert len(frame) == 12
    encoder = encoder_from_uns(adata.uns["tgt"]["encoder"])
    scores = get.metrics(adata).set_index(["source", "target"])["correctness"]
    for record in frame.to_dict("records"):
        pair = record["source"], record["target"]
        delta = get.explanation(adata, *pair).set_index("gene")["delta"].reindex(adata.var_names).fillna(0)
        reported = (adata.obs["cell_type"] == pair[0]) & (adata.uns["tgt"]["split"] == 2)
        cells = adata[reported].X.toarray()
        moved = encoder((cells + delta.to_numpy()).astype(np.float32)).mean(axis=0)
        np.testing.assert_allclose([record["x_moved"], record["y_moved"]], moved, atol=1e-3)
        np.testing.assert_allclose([record["x"], record["y"]], encoder(cells).mean(axis=0), atol=1e-3)
        assert record["correctness"] == scores[pair]


def test_groups_that_have_left_have_no_arrows(adata):
    names = list(adata.uns["tgt"]["groups"])
    whole = embedding_shift_data(adata)
    part = embedding_shift_data(adata[adata.obs["cell_type"] != names[1]].copy())
    kept = whole[(whole["source"] != names[1]) & (whole["target"] != names[1])].reset_index(drop=True)
    assert part[["source", "target"]].equals(kept[["source", "target"]])
    np.testing.assert_allclose(part["correctness"], kept["correctness"])
    np.testing.assert_allclose(part[["x", "y"]], kept[["x", "y"]], atol=0.2)  # this entry knows its parts by position
    pl.embedding_shift(adata[adata.obs["cell_type"].isin(names[:2])].copy())
    with pytest.raises(ValueError, match=f"fewer than two groups .*: .*{names[2].replace('+', '.')}"):
        pl.embedding_shift(adata[adata.obs["cell_type"] == names[0]].copy())


def test_number_of_arrows(adata):
    def arrows(ax):
        return sum(text.arrow_patch is not None for text in ax.texts if hasattr(text, "arrow_patch"))

    assert arrows(pl.embedding_shift(adata, nearest=None, labels=False)) == 12
    assert arrows(pl.embedding_shift(adata, nearest=1, labels=False)) == 4


def test_scores_that_are_missing_are_drawn_too(adata):
    adata.uns["tgt"]["correctness"][0, 1] = np.nan
    assert pl.embedding_shift(adata, nearest=None) is not None


def test_a_map_without_encoder(adata):
    adata.obsm["X_tsne"] = adata.obsm["X_umap"]
    with pytest.raises(ValueError, match="basis='X_tsne'.*no encoder"):
        pl.embedding_shift(adata, basis="X_tsne")
