"""Cells with planted programmes, shared by the tests of programmes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from scgce.programs import FittingCells

N_CELLS, N_SETS, SET_SIZE, N_NOISE = 240, 4, 10, 40


@dataclass(frozen=True)
class Planted:
    """240 cells in 3 groups × 80 genes: four sets of ten that move together, forty genes of noise."""

    cells: FittingCells
    genes: np.ndarray
    labels: np.ndarray
    """Set of every gene, −1 for noise."""


@pytest.fixture(scope="session")
def planted() -> Planted:
    rng = np.random.default_rng(5)
    codes = np.arange(N_CELLS) % 3
    activity = np.array([[2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0], [2.0, 2.0, 0]])  # of each set in each group
    per_cell = rng.gamma(4.0, 0.25, size=(N_CELLS, N_SETS)) * activity[:, codes].T
    rates = np.repeat(per_cell, SET_SIZE, axis=1) + 0.2
    X = np.log1p(np.hstack([rng.poisson(rates), rng.poisson(0.3, size=(N_CELLS, N_NOISE))])).astype(np.float32)
    labels = np.r_[np.repeat(np.arange(N_SETS), SET_SIZE), np.full(N_NOISE, -1)]
    genes = np.array([f"g{i:02d}" for i in rng.permutation(X.shape[1])], dtype=object)
    return Planted(FittingCells(sparse.csr_matrix(X), codes, np.arange(N_CELLS)), genes, labels)
