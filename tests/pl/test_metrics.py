"""Heatmaps of pairs."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests._results import blobs, store_result
from tests.pl._legible import assert_legible, drawn_texts

from scgce import get, pl
from scgce.pl._metrics import metrics_data


@pytest.fixture
def adata():
    return store_result(blobs())


def test_data_are_the_metrics_of_all_pairs(adata):
    frame = metrics_data(adata, ["coverage", "n_genes"], sparsity=2)
    table = get.metrics(adata, sparsity=2)
    for metric in ("coverage", "n_genes"):
        part = frame[frame["metric"] == metric]
        np.testing.assert_array_equal(part["value"], table[metric])
        assert part["source"].astype(str).tolist() == table["source"].tolist()
    assert list(frame["target"].cat.categories) == list(adata.uns["tgt"]["groups"])


def test_cluster_order_puts_like_groups_side_by_side(adata):
    reach = np.full((4, 4), 0.1)
    for a, b in ((0, 2), (1, 3)):
        reach[a, b] = reach[b, a] = 0.9
    adata.uns["tgt"]["correctness"] = adata.uns["tgt"]["coverage"] = reach
    names = list(adata.uns["tgt"]["groups"])
    order = list(metrics_data(adata, order="cluster")["source"].cat.categories)
    assert sorted(order) == sorted(names)
    for a, b in ((0, 2), (1, 3)):
        assert abs(order.index(names[a]) - order.index(names[b])) == 1


def test_values_are_drawn_in_their_cells(adata):
    axes = pl.metrics(adata)
    shown = axes[0].get_images()[0].get_array()
    expected = adata.uns["tgt"]["correctness"].copy()
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_array_equal(np.ma.filled(shown, np.nan), expected)
    mean = get.metrics(adata)["correctness"].mean()
    ceiling = get.metrics(adata)["self_similarity"].mean()
    assert axes[0].get_title() == f"Correctness\nmean {mean:.2f} (real cells {ceiling:.2f})"
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in axes[0].texts}
    assert len(written) == 12
    assert written[0, 1] == f"{expected[0, 1]:.2f}".replace("0.", ".", 1)


def test_the_diagonal_on_request(adata):
    axes = pl.metrics(adata, "correctness", include_self=True)
    assert len(axes) == 1
    assert len(axes[0].texts) == 16
    assert f"mean {adata.uns['tgt']['correctness'].mean():.2f}" in axes[0].get_title()


def test_counts_have_a_scale_of_their_own(adata):
    axes = pl.metrics(adata, ["correctness", "n_genes", "judge_knn", "percent_explained"])
    assert axes[1].get_images()[0].norm.vmax == 5
    assert {text.get_text() for text in axes[1].texts} == {"5"}
    assert_legible(axes[0].get_figure())


def test_small_cells_hold_no_digits():
    adata = store_result(blobs(30, n_genes=40, cells=3))
    _, ax = plt.subplots(figsize=(4, 4), layout="constrained")
    axes = pl.metrics(adata, "correctness", ax=ax)
    assert not axes[0].texts


def test_scores_that_were_not_computed_are_grey(adata):
    axes = pl.metrics(adata, "percent_explained", sparsity=1)
    assert "nan" in axes[0].get_title()
    assert not axes[0].texts
    assert drawn_texts(axes[0].get_figure())


def test_negative_shares_are_marked_on_the_bar(adata):
    adata.uns["tgt"]["percent_explained"][0, 1] = -0.4
    axes = pl.metrics(adata, "percent_explained")
    assert "-.40" in {text.get_text() for text in axes[0].texts}


def test_mistakes(adata):
    with pytest.raises(ValueError, match=r"metrics=\['accuracy'\].*correctness"):
        pl.metrics(adata, "accuracy")
    with pytest.raises(ValueError, match="order='size'"):
        pl.metrics(adata, order="size")
    with pytest.raises(ValueError, match="order="):
        pl.metrics(adata, order=["CD34+"])
