"""The plot of one explanation: its numbers, its words, its maps."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests._results import NAMES, blobs, store_result
from tests.pl._legible import drawn_texts

from scgce import get, pl
from scgce.encoders import encoder_from_uns
from scgce.pl._explanation import explanation_data
from scgce.pl._map import cell_map

A, B = NAMES[0], NAMES[1]


@pytest.fixture
def adata():
    return store_result(blobs())


def embed(adata, X):
    return encoder_from_uns(adata.uns["tgt"]["encoder"])(X)


@pytest.mark.parametrize("clip", [False, True])
def test_translated_cells_are_where_the_encoder_puts_them(adata, clip):
    adata.uns["tgt"]["params"]["clip"] = clip
    frame = explanation_data(adata, A, B, sparsity=2)
    delta = get.explanation(adata, A, B, sparsity=2).set_index("gene")["delta"].reindex(adata.var_names).fillna(0)
    reported = adata.uns["tgt"]["split"] == 2
    for group, sign, direction in ((A, 1, "forward"), (B, -1, "back")):
        part = frame[frame["direction"] == direction]
        assert (part["group"] == group).all()
        assert (part["state"] == "translated").all()
        assert part["cell"].tolist() == adata.obs_names[(adata.obs["cell_type"] == group) & reported].tolist()
        moved = adata[part["cell"]].X.toarray() + sign * delta.to_numpy(np.float32)
        if clip:
            moved = np.where(delta.to_numpy() != 0, np.maximum(moved, 0), moved)
        np.testing.assert_allclose(part[["x", "y"]], embed(adata, moved), atol=1e-4)


def test_observed_cells(adata):
    frame = explanation_data(adata, A, B)
    observed = frame[frame["state"] == "observed"]
    assert observed["cell"].tolist() == adata.obs_names.tolist()
    assert observed["group"].astype(str).tolist() == adata.obs["cell_type"].astype(str).tolist()
    np.testing.assert_allclose(observed[["x", "y"]], adata.obsm["X_umap"], atol=1e-3)


def test_many_cells_are_sampled(adata):
    frame = explanation_data(adata, A, B, max_cells=30, max_moved=7)
    assert frame["direction"].value_counts().to_dict() == {"": 30, "forward": 7, "back": 7}
    again = explanation_data(adata, A, B, max_cells=30, max_moved=7)
    assert frame.equals(again)


def test_titles_hold_the_scores_of_both_directions(adata):
    axes = pl.explanation(adata, A, B)
    table = get.metrics(adata).set_index(["source", "target"])
    for ax, pair in ((axes[1], (A, B)), (axes[2], (B, A))):
        title = ax.get_title(loc="left")
        row = table.loc[pair]
        assert f"correctness {row['correctness']:.2f} · coverage {row['coverage']:.2f}" in title
        assert " → " in title or "\n→ " in title


def test_lollipop_shows_the_largest_genes(adata):
    axes = pl.explanation(adata, A, B, n_genes=3)
    frame = get.explanation(adata, A, B)
    assert [label.get_text() for label in axes[0].get_yticklabels()] == frame["gene"][:3].tolist()
    dots = axes[0].collections[-2].get_offsets()
    np.testing.assert_allclose(dots[:, 0], frame["delta"][:3])
    diamonds = axes[0].collections[-1].get_offsets()
    np.testing.assert_allclose(diamonds[:, 0], frame["mean_difference"][:3])
    assert "2 further genes change less" in axes[0].get_xlabel()


def test_no_gene_at_all(adata):
    adata.uns["tgt"]["deltas"][:] = 0
    figure = pl.explanation(adata, A, B, return_fig=True)
    assert any("no gene" in text for text, _ in drawn_texts(figure))


def test_a_map_without_encoder_says_so(adata):
    adata.obsm["X_tsne"] = np.random.default_rng(0).standard_normal((adata.n_obs, 2))
    figure = pl.explanation(adata, A, B, basis="tsne", return_fig=True)
    assert sum("not shown" in text for text, _ in drawn_texts(figure)) == 2
    frame = explanation_data(adata, A, B, chosen=cell_map(adata, basis="X_tsne"))
    assert set(frame["state"]) == {"observed"}


def test_genes_the_encoder_needs_are_gone(adata):
    few = adata[:, :5].copy()
    figure = pl.explanation(few, A, B, return_fig=True)
    assert any("not shown" in text for text, _ in drawn_texts(figure))


def test_axes_of_the_user_are_divided(adata):
    figure, (left, right) = plt.subplots(1, 2, figsize=(20, 5), layout="constrained")
    axes = pl.explanation(adata, A, B, ax=left)
    assert len(axes) == 3
    assert all(ax.get_figure() is figure for ax in axes)
    assert pl.explanation(adata, A, B, ax=right, return_fig=True) is figure


def test_axes_placed_by_hand_cannot_be_divided(adata):
    with pytest.raises(ValueError, match="ax was placed by hand"):
        pl.explanation(adata, A, B, ax=plt.figure().add_axes((0, 0, 1, 1)))


def test_nothing_is_written(adata):
    before = set(adata.uns)
    pl.explanation(adata, A, B)
    pl.groups(adata)
    assert set(adata.uns) == before


def test_mistakes(adata):
    with pytest.raises(ValueError, match="target='x'"):
        pl.explanation(adata, A, "x")
    with pytest.raises(KeyError, match=r"basis='X_pca'.*found: X_umap"):
        pl.explanation(adata, A, B, basis="X_pca")
    assert plt.get_fignums() == []
