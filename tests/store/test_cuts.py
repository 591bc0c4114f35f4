"""Stored explanations are cut in numpy exactly as the tools cut them in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from scgce.core.choose.truncate import PairCuts
from scgce.store.cuts import Cuts, largest


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 12), st.none() | st.integers(1, 14))
def test_the_same_cut_as_in_tensors(seed: int, n_groups: int, n_genes: int, k: int | None) -> None:
    """Small whole numbers, so that many amounts are equal and some genes do not differ at all."""
    deltas = np.random.default_rng(seed).integers(-2, 3, (n_groups, n_genes)).astype(np.float32)
    ours, theirs = Cuts.of_basis(deltas, k), PairCuts(torch.from_numpy(deltas), k)
    for i in range(n_groups):
        for j in range(n_groups):
            np.testing.assert_array_equal(ours(i, j).genes, theirs(i, j).genes.numpy())
            np.testing.assert_array_equal(ours(i, j).values, theirs(i, j).values.numpy())
            np.testing.assert_array_equal(ours.dense(i, j), theirs.dense(i, j).numpy())
    np.testing.assert_array_equal(ours.n_active(), theirs.n_active().numpy())


def test_pairs_that_were_explained_alone_are_read_by_row() -> None:
    rows = np.zeros((4, 3), np.float32)
    rows[1], rows[2] = [0, 2, -1], [5, 0, 0]
    cuts = Cuts.of_rows(sparse.csr_matrix(rows), 2)
    assert [part.tolist() for part in cuts(0, 1)] == [[1, 2], [2, -1]]
    assert [part.tolist() for part in cuts(1, 0)] == [[0], [5]]
    assert cuts.n_active().tolist() == [[0, 2], [1, 0]]


def test_damaged_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        largest(np.array([1, np.nan], np.float32), 1)
