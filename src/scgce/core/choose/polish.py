"""The last step of refinement where few genes are on the table: search on the very metrics that are reported.

Descents follow a smooth stand-in for correctness and coverage (Eq. 3 and 4) on mini-batches. With few genes the counts
themselves can be searched: one amount at a time, a few sizes of step, what raises them is kept.
"""

from __future__ import annotations

import torch

from scgce.core.pairs import Asked, mask_of
from scgce.core.score.cells import Cells

from .parametrisation import Parametrisation
from .truncate import top_k

_STEPS = (2.0, 1.0, 0.5, 0.25, 0.1)
"""Tried up and down, in the units of the amounts."""
_CELLS = 128
"""Cells per group, drawn once."""
_MOVED = 5_000_000
"""Cells translated at most, over all amounts and rounds: bounds the time of many groups and cells."""
_LEAST = 1e-3
"""A round that raises the mean over all pairs, a group with itself as 0, by less is the last."""


class _Counts:
    """Correctness and coverage of one pair under several explanations, weighted as in selection."""

    def __init__(
        self, cells: Cells, genes: torch.Tensor, epsilon: float, balance: float, generator: torch.Generator
    ) -> None:
        self.cells, self.genes = cells, genes
        self.epsilon, self.balance = epsilon, balance
        groups = cells.slices
        self.rows = [_some(group, generator) for group in groups]
        self.goals = [cells.embedded[g][rows - groups[g].start] for g, rows in enumerate(self.rows)]

    def __call__(self, source: int, target: int, explanations: torch.Tensor) -> torch.Tensor:
        """(S,) for explanations (S, A)."""
        cells = self.rows[source][None]
        which = torch.zeros(len(explanations), dtype=torch.int64)
        moved = self.cells.translate_many(cells, which, self.genes, explanations.float().to(self.cells.device))
        close = torch.cdist(moved, self.goals[target], compute_mode="donot_use_mm_for_euclid_dist") <= self.epsilon
        arrived, covered = close.any(2).double().mean(1), close.any(1).double().mean(1)
        return (self.balance * arrived + (1 - self.balance) * covered).cpu()


def _some(group: slice, generator: torch.Generator) -> torch.Tensor:
    order = torch.randperm(group.stop - group.start, generator=generator)[:_CELLS]
    return order.sort().values + int(group.start)


def _explanations(delta: torch.Tensor, k: int | None) -> torch.Tensor:
    """The reported explanations (..., l, l, A) of translations (..., l, A): entry (i, j) is i → j."""
    pairs = delta[..., None, :, :] - delta[..., :, None, :]
    return pairs if k is None else top_k(pairs, k)


@torch.no_grad()
def polish(
    cells: Cells,
    amounts: Parametrisation,
    k: int | None,
    epsilon: float,
    *,
    balance: float,
    generator: torch.Generator,
    asked: Asked | None = None,
) -> torch.Tensor:
    """Coordinate search from the amounts' start, until a round over all amounts gains next to nothing.

    Parameters
    ----------
    cells
        To fit on.
    amounts
        Parametrisation and start.
    k
        Genes kept per pair; None: no cut.
    epsilon
        Reach of the metrics.
    balance
        Weight of correctness, coverage has the rest.
    asked
        The pairs that count; None for all.

    Returns
    -------
    δ on the genes of ``amounts``, (l, A) float64.
    """
    counts = _Counts(cells, amounts.genes, epsilon, balance, generator)
    here = amounts.start().double()
    sizes = here.new_tensor([sign * size for size in _STEPS for sign in (1, -1)])
    current = _explanations(amounts.translations(here), k)
    l = current.shape[0]
    scores = here.new_zeros(l, l)
    wanted = torch.from_numpy(mask_of(l, asked)).to(here.device)
    number = l * l if asked is None else int(wanted.sum())  # of all pairs as published results were made: with i → i
    for i, j in wanted.nonzero().tolist():
        scores[i, j] = counts(i, j, current[i, j][None])[0]
    moved, before = 0, -torch.inf
    while float(scores.sum()) / number > before + _LEAST:
        before = float(scores.sum()) / number
        for place in torch.randperm(here.numel(), generator=generator).tolist():
            if moved >= _MOVED:
                return amounts.translations(here)
            tried = here.repeat(len(sizes), 1, 1)
            tried[(slice(None), *divmod(place, here.shape[1]))] += sizes
            tried = amounts.project(tried)
            explained = _explanations(amounts.translations(tried), k)
            differs = (explained != current).any(-1)
            found = scores.repeat(len(sizes), 1, 1)
            for i, j in (differs.any(0) & wanted).nonzero().tolist():
                changed = differs[:, i, j]
                found[changed, i, j] = counts(i, j, explained[changed, i, j])
                moved += int(changed.sum()) * len(counts.rows[i])
            best = int(found.sum((1, 2)).argmax())
            if found[best].sum() > scores.sum():
                here, scores, current = tried[best], found[best], explained[best]
    return amounts.translations(here)
