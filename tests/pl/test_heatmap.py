"""Translations of groups × genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests._results import blobs, store_result

from scgce import get, pl
from scgce.pl._heatmap import translations_data
from scgce.pl._matrix import clustered


@pytest.fixture
def adata():
    return store_result(blobs(6))


def test_baseline_rows_are_the_markers(adata):
    frame = translations_data(adata)
    markers = get.markers(adata).set_index(["group", "gene"])["delta"]
    got = frame.set_index(["group", "gene"])["delta"]
    np.testing.assert_allclose(got.loc[markers.index], markers)
    assert (got.drop(markers.index) == 0).all()


def test_a_reference_group_is_zero(adata):
    frame = translations_data(adata, reference="CD34+", n_genes=3)
    assert (frame.loc[frame["group"] == "CD34+", "delta"] == 0).all()
    assert frame["gene"].nunique() == 3
    basis = get.deltas(adata)
    spread = (basis.max() - basis.min()).sort_values(ascending=False)
    assert set(frame["gene"]) == set(spread.index[:3])
    for record in frame.to_dict("records"):
        expected = basis.loc[record["group"], record["gene"]] - basis.loc["CD34+", record["gene"]]
        assert record["delta"] == pytest.approx(expected, abs=1e-5)


def test_cells_of_the_heatmap(adata):
    ax = pl.heatmap(adata, order="category")
    rows = [label.get_text() for label in ax.get_yticklabels()]
    columns = [label.get_text() for label in ax.get_xticklabels()]
    assert rows == list(adata.uns["tgt"]["groups"])
    table = translations_data(adata).pivot_table(index="group", columns="gene", values="delta")
    np.testing.assert_allclose(ax.get_images()[0].get_array(), table.loc[rows, columns])
    norm = ax.get_images()[0].norm
    assert norm.vmin == -norm.vmax


def test_the_reference_is_named_whole(adata):
    for group in adata.uns["tgt"]["groups"]:
        title = pl.heatmap(adata, reference=str(group)).get_title()
        assert title.replace("\n", " ") == f"amount added to reach each group from {group}"


def test_clustered_puts_like_rows_together():
    table = pd.DataFrame([[0.0, 0], [9, 9], [0.1, 0], [9, 8.9]], index=list("abcd"))
    order = "".join(clustered(table))
    assert {order[:2], order[2:]} <= {"ac", "ca", "bd", "db"}
    assert clustered(table.head(2)) == ["a", "b"]


def test_mistakes(adata):
    with pytest.raises(ValueError, match="reference='x'"):
        pl.heatmap(adata, reference="x")
    with pytest.raises(ValueError, match="order='x'"):
        pl.heatmap(adata, order="x")
    with pytest.raises(ValueError, match="n_genes=0"):
        pl.heatmap(adata, n_genes=0)
