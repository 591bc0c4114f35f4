"""Sparse gamma-Poisson counts, drawn molecule by molecule: time and memory follow the molecules, not cells x genes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from ._plan import COPY_SHARE, Plan

#: Molecules expected in one block; bounds the working memory at about 300 MB.
BLOCK_MOLECULES = 2**22


def blocks(library: np.ndarray, molecules: int = BLOCK_MOLECULES) -> Iterator[slice]:
    """Consecutive cells whose libraries add up to about *molecules*, at least one cell each."""
    ends = np.cumsum(library)
    start = 0
    while start < len(library):
        before = ends[start - 1] if start else 0.0
        stop = max(start + 1, int(np.searchsorted(ends, before + molecules, side="right")))
        yield slice(start, stop)
        start = stop


def draw_block(
    plan: Plan, codes: np.ndarray, library: np.ndarray, dispersion: float, dropout: float, rng: np.random.Generator
) -> sparse.csr_matrix:
    """Counts of some cells.

    A negative binomial count of mean μ and size r = 1/dispersion is a Poisson number, with mean r·ln(1 + μ/r), of
    logarithmic jumps with p = μ/(r + μ). Molecules are therefore proposed at rate μ, kept with probability
    ln(1 + μ/r)·r/μ, and each one kept brings its jump: exact, and nothing is drawn for genes that stay at zero.

    Parameters
    ----------
    plan
        The truth.
    codes
        Group of each cell, shape ``(n,)``.
    library
        Expected library of each cell, shape ``(n,)``.
    dispersion
        Squared coefficient of variation beyond Poisson; 0 gives Poisson counts.
    dropout
        Largest probability that a non-zero entry is lost; an entry of mean μ is lost with ``dropout·exp(−μ)``.
    rng
        Source of randomness.

    Returns
    -------
    Counts, float32, shape ``(n, d)``, sorted and without explicit zeros.
    """
    n_genes = plan.profile.shape[1]
    rows, genes = _propose(plan.profile, codes, library, rng)
    counts = np.ones(len(rows), dtype=np.int64)
    if dispersion > 0:
        ratio = dispersion * library[rows] * plan.profile[codes[rows], genes]
        kept = rng.random(len(rows)) * ratio < np.log1p(ratio)
        rows, genes, ratio = rows[kept], genes[kept], ratio[kept]
        counts = rng.logseries(ratio / (1.0 + ratio))
    block = sparse.coo_matrix((counts, (rows, genes)), shape=(len(codes), n_genes)).tocsr()
    block = (block + _copies(block, plan.copy_of, rng)).tocsr()
    if dropout > 0:
        entry_rows = np.repeat(np.arange(len(codes)), np.diff(block.indptr))
        means = library[entry_rows] * plan.means[codes[entry_rows], block.indices]
        block.data[rng.random(block.nnz) < dropout * np.exp(-means)] = 0
        block.eliminate_zeros()
    block.sort_indices()
    return block.astype(np.float32)


def _propose(
    profile: np.ndarray, codes: np.ndarray, library: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cell and gene of every proposed molecule: Poisson splitting, one group at a time."""
    rows, genes = [], []
    for group in np.unique(codes):
        members = np.flatnonzero(codes == group)
        ladder = np.cumsum(profile[group])
        molecules = rng.poisson(library[members] * ladder[-1])
        rows.append(np.repeat(members, molecules))
        drawn = np.searchsorted(ladder, rng.random(int(molecules.sum())) * ladder[-1], side="right")
        genes.append(np.minimum(drawn, profile.shape[1] - 1))
    return np.concatenate(rows), np.concatenate(genes)


def _copies(block: sparse.csr_matrix, copy_of: np.ndarray, rng: np.random.Generator) -> sparse.coo_matrix:
    """Molecules that the correlated copies take from their source, cell by cell."""
    copy_from = np.full(len(copy_of), -1, dtype=np.int64)
    copies = np.flatnonzero(copy_of >= 0)
    copy_from[copy_of[copies]] = copies
    entries = block.tocoo()
    sources = copy_from[entries.col] >= 0
    taken = rng.binomial(entries.data[sources], COPY_SHARE)
    return sparse.coo_matrix((taken, (entries.row[sources], copy_from[entries.col[sources]])), shape=block.shape)
