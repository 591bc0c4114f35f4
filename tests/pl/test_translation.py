"""All genes of one explanation."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import NAMES, blobs, store_result
from tests.pl._legible import drawn_texts

from scgce import get, pl
from scgce.pl._translation import translation_data

A, B = NAMES[0], NAMES[1]


@pytest.fixture
def adata():
    return store_result(blobs())


def test_data_hold_every_gene(adata):
    frame = translation_data(adata, A, B, sparsity=2)
    assert frame["gene"].tolist() == adata.var_names.tolist()
    assert frame["position"].tolist() == list(range(adata.n_vars))
    explained = get.explanation(adata, A, B, sparsity=2).set_index("gene")
    used = frame[frame["delta"] != 0].set_index("gene")
    np.testing.assert_allclose(used["delta"], explained["delta"].reindex(used.index))
    np.testing.assert_allclose(used["mean_difference"], explained["mean_difference"].reindex(used.index))
    means = adata.to_df().groupby(adata.obs["cell_type"].astype(str)).mean()
    np.testing.assert_allclose(frame["mean_difference"], means.loc[B] - means.loc[A], atol=1e-5)


def test_largest_genes_are_named(adata):
    figure = pl.translation(adata, A, B, n_labels=2, return_fig=True)
    words = {text for text, _ in drawn_texts(figure)}
    assert set(get.explanation(adata, A, B)["gene"][:2]) <= words
    frame = translation_data(adata, A, B)
    by_mean = frame.reindex(frame["mean_difference"].abs().sort_values(ascending=False).index)
    assert set(by_mean["gene"][:2]) <= words


def test_names_beside_one_another_do_not_touch():
    adata = blobs(3)
    adata.var_names = [f"AL92876{g:03d}.3" for g in range(adata.n_vars)]
    store_result(adata)
    adata.uns["tgt"]["deltas"][:] = 0
    adata.uns["tgt"]["deltas"][1, 10:15] = [1, 2, 3, 2, 1]
    axes = pl.translation(adata, A, B)
    names = [text for text in axes[0].texts if text.get_text()]
    figure = axes[0].get_figure()
    boxes = sorted((box.x0, box.x1) for text, box in drawn_texts(figure) if text in {n.get_text() for n in names})
    tops = [text.get_window_extent().y1 for text in names]
    assert max(tops) <= axes[0].get_window_extent().y1 + 2
    assert len(boxes) >= 5


def test_an_empty_explanation(adata):
    adata.uns["tgt"]["deltas"][:] = 0
    axes = pl.translation(adata, A, B)
    assert "0 genes" in axes[0].get_title(loc="left")


def test_mistakes(adata):
    with pytest.raises(ValueError, match="source='x'"):
        pl.translation(adata, "x", B)
