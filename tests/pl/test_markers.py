"""Markers beside real expression."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, store_result

from scgce import get, pl
from scgce.pl._markers import markers_data


@pytest.fixture
def adata():
    return store_result(blobs(6))


def test_each_gene_is_listed_where_it_is_raised_most(adata):
    frame = markers_data(adata, n_genes=2)
    raised = get.markers(adata)
    raised = raised[raised["delta"] > 0]
    for gene, part in frame.groupby("gene"):
        best = raised[raised["gene"] == gene].sort_values("delta").iloc[-1]["group"]
        assert set(part["marker_of"]) == {best}
        assert len(part) == 6
    assert frame.drop_duplicates("gene")["marker_of"].value_counts().max() <= 2
    values = frame.set_index(["group", "gene"])["delta"]
    expected = get.markers(adata).set_index(["group", "gene"])["delta"]
    common = expected.index.intersection(values.index)
    np.testing.assert_allclose(values.loc[common], expected.loc[common])


def test_rows_of_both_panels_are_the_same_genes(adata):
    left, right = pl.markers(adata)
    genes = [label.get_text() for label in left.get_yticklabels()]
    assert genes == list(dict.fromkeys(markers_data(adata)["gene"]))
    assert right.get_ylim() == left.get_ylim()
    assert [label.get_text() for label in right.get_xticklabels()] == list(adata.uns["tgt"]["groups"])


def test_dots_are_means_and_shares_of_expressing_cells(adata):
    _, right = pl.markers(adata)
    genes = list(dict.fromkeys(markers_data(adata)["gene"]))
    groups = list(adata.uns["tgt"]["groups"])
    dots = right.collections[0]
    table = adata.to_df()[genes]
    mean = table.groupby(adata.obs["cell_type"], observed=True).mean()
    share = (table > 0).groupby(adata.obs["cell_type"], observed=True).mean()
    for (x, y), color, area in zip(dots.get_offsets(), dots.get_array(), dots.get_sizes(), strict=True):
        at = groups[int(x)], genes[int(y)]
        assert color == pytest.approx(mean.loc[at], rel=1e-5)
        assert area == pytest.approx(55 * share.loc[at] ** 1.5, rel=1e-5)


def test_only_genes_still_there_are_drawn(adata):
    gone = markers_data(adata)["gene"].iloc[0]
    fewer = adata[:, adata.var_names != gone].copy()
    assert gone not in set(markers_data(fewer)["gene"])
    pl.markers(fewer)


def test_a_group_without_cells_has_its_column_without_dots(adata):
    gone = str(adata.uns["tgt"]["groups"][2])
    whole, part = pl.markers(adata), pl.markers(adata[adata.obs["cell_type"] != gone].copy())
    names = [label.get_text() for label in part[1].get_xticklabels()]
    assert names == [label.get_text() for label in whole[1].get_xticklabels()]
    shares = [right.collections[0].get_sizes().reshape(len(names), -1) for _, right in (whole, part)]
    assert np.isnan(shares[1][2]).all()
    np.testing.assert_allclose(np.delete(shares[1], 2, axis=0), np.delete(shares[0], 2, axis=0))


def test_the_explained_layer_is_shown(adata):
    adata.layers["same"] = adata.X.copy()
    adata.uns["tgt"]["params"]["layer"] = "same"
    pl.markers(adata)
    adata.X = None
    pl.markers(adata)


def test_mistakes(adata):
    with pytest.raises(ValueError, match="n_genes=0"):
        pl.markers(adata, n_genes=0)
    adata.uns["tgt"]["deltas"][:] = 0
    with pytest.raises(ValueError, match="no group has a raised gene"):
        pl.markers(adata)
