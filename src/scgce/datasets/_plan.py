"""The ground truth of simulated cells: which gene differs between which groups, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Share of a source gene's molecules that its correlated copy receives.
COPY_SHARE = 0.6


@dataclass(frozen=True)
class Plan:
    """Expected expression of every group, as shares of a cell's library.

    Attributes
    ----------
    profile
        Shares drawn directly, shape ``(l, d)``; a copy's row holds its own background only.
    log_fold
        Planted natural-log fold changes, shape ``(l, d)``; zero for genes that were not planted.
    copy_of
        For each gene the index of the gene it copies, −1 for none, shape ``(d,)``.
    """

    profile: np.ndarray
    log_fold: np.ndarray
    copy_of: np.ndarray

    @property
    def planted(self) -> np.ndarray:
        """Genes with a planted difference, boolean, shape ``(d,)``."""
        return np.asarray((self.log_fold != 0).any(axis=0))

    @property
    def means(self) -> np.ndarray:
        """Expected shares with the copies counted in, shape ``(l, d)``."""
        means = self.profile.copy()
        copies = np.flatnonzero(self.copy_of >= 0)
        means[:, copies] += COPY_SHARE * self.profile[:, self.copy_of[copies]]
        return means


def plan_groups(
    n_genes: int,
    n_groups: int,
    n_planted: int,
    n_copies: int,
    shared: float,
    up: float,
    log_fold: float,
    rng: np.random.Generator,
) -> Plan:
    """Draw a :class:`Plan`.

    Planted genes come from the better expressed half, so that a lowered gene has something to lose; copies come from
    the other half, so that what they show is their source's signal.

    Parameters
    ----------
    n_genes, n_groups, n_planted, n_copies
        Sizes; ``n_planted`` is at most half of the genes and ``n_copies`` at most ``n_planted``.
    shared
        Share of planted genes that change in more than one group.
    up
        Share of planted genes that are raised rather than lowered.
    log_fold
        Typical size of a planted change, natural log.
    rng
        Source of randomness.
    """
    base = np.exp(rng.normal(0.0, 1.2, n_genes))
    base /= base.sum()
    order = np.argsort(base, kind="stable")
    planted = rng.choice(order[n_genes // 2 :], n_planted, replace=False)
    folds = np.zeros((n_groups, n_genes))
    for position, gene in enumerate(planted):
        # Round robin: every group has a gene of its own before any has two.
        groups = [position % n_groups]
        if n_groups > 2 and rng.random() < shared:
            others = np.delete(np.arange(n_groups), groups[0])
            groups += list(rng.choice(others, rng.integers(1, n_groups - 1), replace=False))
        sign = 1.0 if rng.random() < up else -1.0
        folds[groups, gene] = sign * log_fold * rng.uniform(0.8, 1.2)
    copy_of = np.full(n_genes, -1, dtype=np.int64)
    copies = rng.choice(order[: n_genes // 2], n_copies, replace=False)
    copy_of[copies] = planted[:n_copies]
    return Plan(profile=base * np.exp(folds), log_fold=folds, copy_of=copy_of)
