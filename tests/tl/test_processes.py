"""Processes side by side find what one finds. In one file: joblib starts them once, and each imports everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scanpy as sc
from scipy import sparse

import scgce


def test_random_programmes_and_donors_left_out_are_the_same() -> None:
    cells = scgce.datasets.simulated_cells(600, 60, 3, n_donors=6, rng=1)
    sc.pp.pca(cells, n_comps=5)
    how: dict[str, Any] = {"use_rep": "X_pca", "programs": "profile", "sparsity": 2, "split_by": "donor"}
    scgce.tl.tgt(cells, "group", judges=False, **how)
    for options in ({"n_random": 3, "n_permutations": 0}, {"by": "donor", "leave_one_out": True}):
        one, two = (scgce.tl.evidence(cells, n_jobs=n, copy=True, **options).uns["tgt"] for n in (None, 2))
        name, field = ("donor_evidence", "left_out_correctness") if "by" in options else ("evidence", "random_coverage")
        assert np.isfinite(one[name][field]).any()
        np.testing.assert_equal(two[name], one[name])


@pytest.mark.parametrize("programs", [pytest.param(None, marks=pytest.mark.slow), "profile"])
def test_bootstraps_are_the_same(programs: str | None) -> None:
    """The matrix is large enough to be handed over as a file."""
    cells = scgce.datasets.simulated_cells(900, 400, 3, rng=1)
    cells.X = sparse.csr_matrix(cells.X)
    assert cells.X.data.nbytes > 2**20 / 2
    sc.pp.pca(cells, n_comps=5)
    options = {"method": "truncate"} if programs is None else {"programs": programs}
    scgce.tl.tgt(cells, "group", use_rep="X_pca", sparsity=2, judges=False, **options)  # type: ignore[arg-type]
    one, two = (
        scgce.tl.stability(cells, n_bootstraps=3, n_jobs=n, copy=True).uns["tgt"]["stability"] for n in (None, 2)
    )
    assert one.keys() == two.keys()
    for name, value in one.items():
        if sparse.issparse(value):
            assert (value != two[name]).nnz == 0
        else:
            np.testing.assert_array_equal(value, two[name])
