"""What the search for a codebook minimises: cells that miss their target in the map, and the shift left undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scgce.core.linked import as_tensor, median_distance
from scgce.core.pairs import Asked, listed, mask_of, some
from scgce.core.score.cells import Cells
from scgce.core.score.epsilon import epsilon_from

from .reach import Missed
from .refine import RefineOptions

_MOST_ENTRIES = 2**23
"""Numbers of a block of tail inputs or of distances."""


@dataclass(frozen=True)
class LossOptions:
    """Settings, relative to ε.

    Chosen on pbmc3k and the retina of 18 clusters: 3 cells a group did as well as 24 where there are hundreds of pairs,
    and 6 as well as 24 where there are 72.
    """

    cells: tuple[int, int] = (3, 6)
    """Cells of each group that are moved, at least and at most: so many that there are about `moved` in all."""
    moved: int = 1000
    goals: int = 32
    """Cells of each group that are to be reached."""
    pairs: int = 600
    """Ordered pairs looked at: all of up to 25 groups."""
    reach: float = 1.3
    """Threshold in units of the ε that belongs to so few goals."""
    width: float = 0.5
    pull: float = 0.2
    """Weight of the mean distance in units of the distance between groups: a gradient from far away."""
    balance: float = RefineOptions.balance


class ArrivalLoss:
    """Smooth share of cells that do not arrive and of goals that are not reached, on a few fitting cells a group.

    Parameters
    ----------
    cells
        The fitting cells.
    seed
        Draws the cells of a group by its size alone, so that the order of the groups does not matter.
    asked
        The pairs that count; None for all.
    """

    def __init__(
        self, cells: Cells, seed: int, options: LossOptions = LossOptions(), asked: Asked | None = None
    ) -> None:
        self.tail, self.options = cells.tail, options
        if asked is None:
            self.source, self.target = _pairs(cells.n_groups, options.pairs, seed)
        else:
            chosen = some(cells.n_groups, asked, options.pairs, seed)
            self.source, self.target = as_tensor(chosen or listed(cells.n_groups, asked)).T
        self.size = int(np.clip(options.moved // max(1, len(self.source)), *options.cells))
        moved, goals = [], []
        for group, points in zip(cells.slices, cells.embedded, strict=True):
            count = group.stop - group.start
            drawn = np.random.default_rng([seed, count]).permutation(count)
            # what is moved and what is to be reached are different cells, where there are enough
            moved.append(group.start + np.resize(drawn, self.size))
            goals.append(points[torch.from_numpy(np.resize(drawn[::-1], options.goals).copy())])
        self.inputs = torch.stack([cells.translator.rows(torch.from_numpy(rows)) for rows in moved])
        self.goals = torch.stack(goals).float()
        alike = [torch.unique(own, dim=0) for own in self.goals]
        few = [own for own in alike if len(own) > 1]
        epsilon = epsilon_from(few) if few else 0.0
        self.scale = max(median_distance(cells.means(), asked), 1e-12)
        epsilon = max(epsilon, 1e-3 * self.scale)
        self.missed = Missed(
            options.reach * epsilon, options.width * epsilon, options.balance, options.pull / self.scale
        )

    def each(self, shifts: np.ndarray, before: np.ndarray | None = None, kinds: np.ndarray | None = None) -> np.ndarray:
        """Loss of every pair under hidden shifts (c, l, h) of the groups, float64 (c, P).

        Parameters
        ----------
        before
            Losses (P,) under shifts from which these differ.
        kinds
            Numbers (c, l): groups of one number differ from before by the same, so that pairs between them keep their
            loss.
        """
        source, target = self.source.numpy(), self.target.numpy()
        found = np.zeros((len(shifts), len(source))) if before is None else np.tile(before, (len(shifts), 1))
        touched = np.ones(found.shape, dtype=bool) if kinds is None else kinds[:, source] != kinds[:, target]
        which, pairs = (torch.from_numpy(index) for index in np.nonzero(touched))
        with torch.no_grad():
            given = self._as_given(shifts)
            parts = []
            for rows in self._blocks(len(pairs)):
                own, i, j = which[rows], self.source[pairs[rows]], self.target[pairs[rows]]
                parts.append(self._losses(given[own, j] - given[own, i], i, j))
        if parts:
            found[touched] = torch.cat(parts).double().cpu().numpy()
        return found

    def gradient(self, shift: np.ndarray) -> np.ndarray:
        """Derivative of the mean over pairs in the hidden shifts (l, h), float64."""
        given = self._as_given(shift)
        total = torch.zeros_like(given)
        with torch.enable_grad():
            for rows in self._blocks(len(self.source)):
                leaf = given.clone().requires_grad_(True)
                source, target = self.source[rows], self.target[rows]
                loss = self._losses(leaf[target] - leaf[source], source, target).sum() / len(self.source)
                total += torch.autograd.grad(loss, leaf)[0]
        return total.double().cpu().numpy()

    def _as_given(self, shifts: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(shifts, dtype=np.float32)).to(self.inputs.device)

    def _blocks(self, count: int) -> Iterator[slice]:
        size = self.size * max(self.inputs.shape[2], 128, self.options.goals)
        step = max(1, _MOST_ENTRIES // size)
        return (slice(start, start + step) for start in range(0, count, step))

    def _losses(self, change: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of pairs (p,) whose sources are shifted by ``change`` (p, h)."""
        moved = self.tail((self.inputs[source] + change[:, None]).flatten(0, 1))
        return self.missed.each(moved.view(len(source), -1, self.goals.shape[2]), self.goals[target])


def _pairs(n_groups: int, most: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """All ordered pairs or, of many groups, rings of them: every group is as often a source as a target."""
    steps: Sequence[int] | np.ndarray = range(1, n_groups)
    if n_groups * (n_groups - 1) > most:
        rings = max(1, most // (2 * n_groups))
        drawn = 1 + np.random.default_rng([seed, n_groups]).permutation((n_groups - 1) // 2)[:rings]
        steps = np.concatenate([drawn, n_groups - drawn])
    groups = np.arange(n_groups)
    source = np.concatenate([groups for _ in steps])
    target = np.concatenate([(groups + step) % n_groups for step in steps])
    return torch.from_numpy(source), torch.from_numpy(target)


class Residual:
    """Share of the difference of means, in the programmes' genes, that a codebook leaves undone; mean over pairs.

    Additive over programmes: with e_g = μ(level of g) − x̄_g, what i → j leaves undone is e_j − e_i.

    Parameters
    ----------
    products
        Products of the groups' means within every programme (M, l, l).
    asked
        The pairs that count; None for all.
    """

    def __init__(self, products: np.ndarray, asked: Asked | None = None) -> None:
        self.products = products
        total = products.sum(0)
        own = np.diag(total)
        distance = own[:, None] + own - 2 * total
        mask = mask_of(len(total), asked)
        tiny = 1e-12 * max(1.0, distance.max(initial=0.0))
        share = np.where(mask & (distance > tiny), 1 / np.maximum(distance, tiny), 0.0) / max(1, mask.sum())
        self.laplacian = 2 * (np.diag(share.sum(1)) - share)

    def of(self, program: int, matrices: np.ndarray) -> np.ndarray:
        """What levels with averaging matrices (c, l, l) leave undone of one programme, float64 (c,)."""
        left = matrices - np.eye(len(self.laplacian))
        return np.asarray(np.einsum("cij,cij->c", self.laplacian @ left, left @ self.products[program]))
