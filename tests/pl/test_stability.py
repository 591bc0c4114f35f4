"""Bootstraps of one pair."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import NAMES, blobs, store_result, store_stability

from scgce import get, pl
from scgce.pl._stability import stability_data

A, B = NAMES[0], NAMES[1]


@pytest.fixture
def adata():
    return store_stability(store_result(blobs()))


def test_bootstraps_beside_the_explanation(adata):
    frame = stability_data(adata, A, B)
    found = get.stability(adata, A, B).set_index("gene")
    explained = get.explanation(adata, A, B).set_index("gene")["delta"]
    assert set(frame["gene"]) == set(found.index) | set(explained.index)
    by_gene = frame.set_index("gene")
    for name in ("frequency", "low", "high"):
        np.testing.assert_allclose(by_gene.loc[found.index, name], found[name])
    np.testing.assert_allclose(by_gene.loc[explained.index, "delta"], explained)
    assert (by_gene["delta"].drop(explained.index) == 0).all()
    assert frame["frequency"].is_monotonic_decreasing


def test_a_gene_that_no_bootstrap_chose(adata):
    gene = get.explanation(adata, A, B)["gene"][0]
    column = list(adata.var_names).index(gene)
    for name in ("frequency", "low", "high"):
        table = adata.uns["tgt"]["stability"][name].tolil()
        table[1, column] = 0  # row 0·4 + 1: A → B
        adata.uns["tgt"]["stability"][name] = table.tocsr()
    row = stability_data(adata, A, B).set_index("gene").loc[gene]
    assert row["frequency"] == 0
    assert row["delta"] != 0


def test_dots_and_intervals(adata):
    left, right = pl.stability(adata, A, B, n_genes=4)
    frame = stability_data(adata, A, B).head(4)
    np.testing.assert_allclose(left.collections[-1].get_offsets()[:, 0], frame["frequency"])
    segments = np.array(right.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, 0, 0], frame["low"])
    np.testing.assert_allclose(segments[:, 1, 0], frame["high"])
    assert "share of 10 bootstraps" in left.get_xlabel()
    assert "90 %" in right.get_xlabel()


def test_intervals_appear_in_the_explanation(adata):
    def drawn(sparsity):
        return len(pl.explanation(adata, A, B, sparsity=sparsity)[0].collections)

    with_interval = drawn(5)
    assert with_interval == drawn(2) + 1  # the bootstraps are of five genes
    del adata.uns["tgt"]["stability"]
    assert drawn(5) == with_interval - 1


def test_before_the_tool_was_run(adata):
    del adata.uns["tgt"]["stability"]
    with pytest.raises(KeyError, match="tl.stability"):
        pl.stability(adata, A, B)
    with pytest.raises(ValueError, match="source='x'"):
        pl.stability(store_stability(adata), "x", B)
