"""Two explanations of the same pairs."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import NAMES, blobs, store_result

from scgce import get, pl
from scgce.pl._compare import compare_data

A, B = NAMES[0], NAMES[1]


@pytest.fixture
def adata():
    adata = store_result(blobs())
    return store_result(adata, key="dbm", pair_cut=False, sparsities=(2, 5), selected=2, seed=7)


def test_change_is_relative_to_the_original(adata):
    frame = compare_data(adata)
    assert len(frame) == 12
    for record in frame.to_dict("records"):
        pair = record["source"], record["target"]
        one = get.explanation(adata, *pair).set_index("gene")["delta"]
        two = get.explanation(adata, *pair, key="dbm", sparsity=5).set_index("gene")["delta"]
        change = one.sub(two, fill_value=0).abs().sum() / one.abs().sum()
        assert record["change"] == pytest.approx(change)
        assert record["n_common"] == len(one.index.intersection(two.index))
        assert record["n_genes"] == len(one.index.union(two.index))


def test_matrix_of_all_pairs(adata):
    ax = pl.compare(adata)
    values = np.asarray(ax.get_images()[0].get_array(), dtype=float)
    groups = list(adata.uns["tgt"]["groups"])
    for record in compare_data(adata).to_dict("records"):
        at = groups.index(record["source"]), groups.index(record["target"])
        assert values[at] == pytest.approx(record["change"])
    assert np.isnan(np.diag(values)).all()


def test_a_result_that_moves_nothing_is_drawn_without_a_warning(adata):
    adata.uns["tgt"]["deltas"][:] = 0
    image = np.asarray(pl.compare(adata).get_images()[0].get_array(), dtype=float)
    assert np.isnan(image).all()


def test_one_pair_gene_by_gene(adata):
    ax = pl.compare(adata, source=A, target=B, n_genes=4)
    one = get.explanation(adata, A, B).set_index("gene")["delta"]
    genes = [label.get_text() for label in ax.get_yticklabels()]
    np.testing.assert_allclose(ax.collections[1].get_offsets()[:, 0], one.reindex(genes).fillna(0))
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"tgt", "dbm"}


def test_between_two_objects(adata):
    other = store_result(blobs(3))
    ax = pl.compare(adata, other, other_key="tgt")
    assert "tgt to tgt (other)" in ax.get_title()
    assert len(ax.get_yticklabels()) == 3


def test_mistakes(adata):
    with pytest.raises(ValueError, match="give both"):
        pl.compare(adata, source=A)
    with pytest.raises(ValueError, match="target='x'"):
        pl.compare(adata, source=A, target="x")
    with pytest.raises(KeyError, match="other"):
        pl.compare(adata, other_key="other")
