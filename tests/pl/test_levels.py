"""The codebook of levels."""

from __future__ import annotations

import numpy as np
import pytest
from tests._results import blobs, store_result

from scgce import pl
from scgce.pl._levels import levels_data


@pytest.fixture
def adata():
    adata = store_result(blobs(6))
    basis = np.zeros_like(adata.uns["tgt"]["deltas"])
    basis[:, 3] = [0, 0, 0, 2, 2, 5]  # 3·2 + 3·1 + 2·1 = 11 pairs on different levels
    basis[:, 7] = [0, 0, 0, 0, 0, 6]  # 5 pairs, 30 in all, where the first has 33
    basis[:, 9] = [-1, 0, 0, 0, 0, 0]  # 5 pairs, 5 in all
    adata.uns["tgt"]["deltas"] = basis
    return adata


def test_levels_and_pairs(adata):
    frame = levels_data(adata)
    genes = list(dict.fromkeys(frame["gene"]))
    assert genes == [adata.var_names[g] for g in (3, 7, 9)]
    by_gene = frame.set_index("gene")
    assert by_gene.loc[genes[0], "level"].tolist() == [0, 0, 0, 1, 1, 2]
    assert by_gene.loc[genes[2], "level"].tolist() == [0, 1, 1, 1, 1, 1]
    assert frame.drop_duplicates("gene")["n_pairs"].tolist() == [11, 5, 5]
    assert frame.drop_duplicates("gene")["n_levels"].tolist() == [3, 2, 2]
    first = by_gene.loc[genes[0], "delta"].to_numpy()
    np.testing.assert_allclose(first - first[0], [0, 0, 0, 2, 2, 5])


def test_a_gene_that_every_group_has_a_little_differently_comes_late(adata):
    adata.uns["tgt"]["deltas"][:, 11] = 0.1 * np.arange(6)  # separates all 15 pairs, by little
    frame = levels_data(adata)
    assert list(dict.fromkeys(frame["gene"]))[-1] == adata.var_names[11]


def test_dots_stand_at_their_amounts(adata):
    ax = pl.levels(adata, n_genes=1)
    points = np.concatenate([np.asarray(part.get_offsets()) for part in ax.collections])
    frame = levels_data(adata, n_genes=1)
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(frame["delta"]))
    assert len(np.unique(points.round(6), axis=0)) == 6  # none hides another


def test_many_groups_at_one_place_are_counted(adata):
    ax = pl.levels(adata)
    assert [text.get_text() for text in ax.texts] == ["5", "5"]
    assert ax.get_legend().get_texts()[-1].get_text() == "n groups together"
    ax = pl.levels(adata, n_genes=1)
    assert ax.get_legend().get_texts()[-1].get_text() == adata.uns["tgt"]["groups"][-1]


def test_mistakes(adata):
    with pytest.raises(ValueError, match="n_genes=0"):
        pl.levels(adata, n_genes=0)
    adata.uns["tgt"]["deltas"][:] = 0
    assert levels_data(adata).empty
    assert pl.levels(adata) is not None
