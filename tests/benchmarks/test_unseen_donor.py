"""What an unseen donor keeps: every way to split has its row, on simulated donors."""

from __future__ import annotations

import numpy as np
import scanpy as sc

import scgce
from benchmarks import unseen_donor


def test_every_way_has_a_row_for_every_run() -> None:
    adata = scgce.datasets.simulated_cells(120, 20, 2, rng=1)
    sc.pp.pca(adata, n_comps=5)
    adata.obs["donor"] = [f"d{cell % 3}" for cell in range(120)]
    adata.obs["sample"] = [f"s{cell % 6}" for cell in range(120)]
    found = unseen_donor.table(adata, "group", seeds=2, method="truncate", sparsity=4)
    assert found["scored on"].value_counts().to_dict() == {
        "cells of the same donors": 3,
        "a donor kept aside": 3,
        "samples not seen": 2,
        "donors not seen": 2,
    }
    assert np.isfinite(found[list(unseen_donor.SCORES)]).all(axis=None)
    shown = unseen_donor.summary(found)
    assert shown["runs"].tolist() == [3, 3, 2, 2]
    own = found[found["scored on"] == "cells of the same donors"]["correctness"].mean()
    assert shown["correctness"][0].startswith(f"{own:.2f} ± ")
