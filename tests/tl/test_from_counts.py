"""From counts to a result by way of scanpy, with the versions that constraints.txt pins together."""

from __future__ import annotations

import pytest
import scanpy as sc

import scgce


@pytest.mark.slow  # compiles what finds neighbours: scanpy searches more than 8,191 cells approximately
def test_nine_thousand_cells_from_counts_to_a_result() -> None:
    cells = scgce.datasets.simulated_cells(9000, 60, 3, rng=0)
    cells.X = cells.layers["counts"].copy()
    sc.pp.normalize_total(cells)
    sc.pp.log1p(cells)
    sc.pp.pca(cells, n_comps=10)
    sc.pp.neighbors(cells)
    assert cells.obsp["connectivities"].shape == (9000, 9000)
    scgce.tl.tgt(cells, "group", use_rep="X_pca", sparsity=[5], method="truncate", judges=False)
    reported = scgce.get.metrics(cells)
    assert len(reported) == 6 and (reported["self_similarity"] > 0.8).all()
    assert reported["correctness"].mean() > 0.2
