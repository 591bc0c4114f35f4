"""Refinement: optimise the translations for what is reported, with the k-gene cut inside the loss.

For an ordered pair, a smooth count of the translated cells that land within reach of the target (correctness) and of
the target's cells that are reached (coverage): the indicator of Eq. 3 and 4 becomes a sigmoid of the nearest
distance, sharpened as the descent goes on. Fitted on cells that are never reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from scgce.core.adam import Adam
from scgce.core.pairs import Asked, mask_of, median_distance
from scgce.core.score.cells import Cells

from .parametrisation import Parametrisation, to_device
from .plan import is_little
from .truncate import top_k


@dataclass(frozen=True)
class RefineOptions:
    """Settings, relative to ε and to the units of the amounts, so that they hold for any data."""

    steps: int = 80
    learning_rate: float = 0.08
    """Falls to 0 along a half cosine."""
    cells: int = 32
    """Cells per group and step."""
    pairs: int = 96
    """Ordered pairs per step; all of them if there are fewer."""
    reach: float = 1.5
    """Threshold in units of ε: nearest distances in a mini-batch are longer than among all cells."""
    sharpness: tuple[float, float] = (1.0, 0.2)
    """Width of the sigmoid in units of ε, first and last."""
    balance: float = 0.6
    """Weight of correctness, by which the paper selects; coverage has the rest."""
    pull: float = 0.2
    """Weight of the mean nearest distance in units of the distance between groups: a gradient from far away."""
    explore: float = 0.5
    """Share of the gradient that genes outside the cut receive at first (straight-through); 0 from half way on."""


def options_for(n_genes: int, n_pairs: int) -> RefineOptions:
    """Half the cells a step and half the steps, but where there is little to do.

    As good on many genes for a quarter of the time: 32 cells gained nothing, 80 steps lost .003 of correctness +
    coverage and gained .008 of it without triangle error (pbmc3k and retina, mean of eight sparsities).
    """
    return RefineOptions() if is_little(n_genes, n_pairs) else RefineOptions(steps=40, cells=16)


@dataclass(frozen=True)
class _Batch:
    """Pairs and cells of one step."""

    source: torch.Tensor
    target: torch.Tensor
    rows: torch.Tensor
    """(l, B) cells that are translated."""
    goals: torch.Tensor
    """(l, B, m) cells to be reached."""


class _Sampler:
    def __init__(
        self, cells: Cells, options: RefineOptions, generator: torch.Generator, asked: Asked | None = None
    ) -> None:
        self.cells, self.options, self.generator = cells, options, generator
        self.pairs = torch.from_numpy(mask_of(cells.n_groups, asked)).flatten().nonzero().squeeze(1)
        self.size = max(2, min(options.cells, max(s.stop - s.start for s in cells.slices)))

    def _rows(self, group: slice) -> torch.Tensor:
        """B cells of a group; without repetition where the group has enough."""
        count = group.stop - group.start
        order = torch.cat([torch.randperm(count, generator=self.generator) for _ in range(-(-self.size // count))])
        return order[: self.size]

    def draw(self) -> _Batch:
        n_pairs = min(self.options.pairs, len(self.pairs))
        pairs = self.pairs
        if n_pairs < len(pairs):
            pairs = pairs[torch.randperm(len(pairs), generator=self.generator)[:n_pairs]]
        rows = [self._rows(group) for group in self.cells.slices]
        goals = [
            points[self._rows(group)] for points, group in zip(self.cells.embedded, self.cells.slices, strict=True)
        ]
        starts = torch.tensor([group.start for group in self.cells.slices])
        l = self.cells.n_groups
        return _Batch(pairs // l, pairs % l, torch.stack(rows) + starts[:, None], torch.stack(goals))


class _Loss:
    """Smooth correctness + coverage of a batch."""

    def __init__(self, cells: Cells, genes: torch.Tensor, epsilon: float, scale: float, options: RefineOptions) -> None:
        self.cells, self.genes = cells, genes
        self.epsilon, self.scale, self.options = epsilon, scale, options

    def __call__(self, batch: _Batch, explanations: torch.Tensor, width: float) -> torch.Tensor:
        moved = self.cells.translate_many(batch.rows, batch.source, self.genes, explanations)
        goals = batch.goals[batch.target]
        with torch.no_grad():
            distances = torch.cdist(moved, goals)
            nearest_goal, nearest_moved = distances.argmin(2), distances.argmin(1)
        arrive = _distance(moved, _gather(goals, nearest_goal))
        covered = _distance(goals, _gather(moved, nearest_moved))
        reach, share = self.options.reach * self.epsilon, self.options.balance
        missed = [torch.sigmoid((found - reach) / width).mean() for found in (arrive, covered)]
        smooth = 2 * (share * missed[0] + (1 - share) * missed[1])
        far = 2 * (share * arrive.mean() + (1 - share) * covered.mean())
        return smooth + self.options.pull * far / self.scale


def _cut(explanations: torch.Tensor, k: int, share: float) -> torch.Tensor:
    """The k-gene cut; genes outside it are not translated but get a share of the gradient, so that they can enter."""
    kept = top_k(explanations.detach(), k) != 0
    if share == 0.0:
        return explanations * kept
    outside = explanations * ~kept
    return explanations * kept + share * (outside - outside.detach())


def _gather(points: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    return points.gather(1, index[:, :, None].expand(-1, -1, points.shape[2]))


def _distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).square().sum(-1).clamp(min=1e-12).sqrt()


def refine(
    cells: Cells,
    amounts: Parametrisation,
    k: int | None,
    epsilon: float,
    *,
    generator: torch.Generator,
    options: RefineOptions = RefineOptions(),
    asked: Asked | None = None,
    on_step: Callable[[], object] | None = None,
) -> torch.Tensor:
    """Adam on the amounts, projected after every step.

    Parameters
    ----------
    cells
        To fit on.
    amounts
        Parametrisation and start.
    k
        Genes kept per pair within the loss (the mask is constant within a step); None: no cut, the support is fixed
        by the amounts.
    epsilon
        Reach of the metrics.
    asked
        The pairs that count; None for all.

    Returns
    -------
    δ on the genes of ``amounts``, (l, A) float64, where those lie.
    """
    home, amounts = amounts.genes.device, to_device(amounts, cells.device)
    scale = max(median_distance(cells.means(), asked), 1e-12)
    loss = _Loss(cells, amounts.genes, epsilon, scale, options)
    sampler = _Sampler(cells, options, generator, asked)
    parameters = amounts.start().float().requires_grad_(True)
    adam = Adam(parameters, betas=(0.9, 0.99))
    first, last = options.sharpness
    for step in range(options.steps):
        width = max(epsilon, 1e-12) * first * (last / first) ** (step / max(1, options.steps - 1))
        batch = sampler.draw()
        delta = amounts.translations(parameters)
        explanations = delta[batch.target] - delta[batch.source]
        if k is not None and k < explanations.shape[1]:
            share = options.explore * max(0.0, 1 - 2 * step / options.steps)
            explanations = _cut(explanations, k, share)
        (gradient,) = torch.autograd.grad(loss(batch, explanations, width), parameters)
        with torch.no_grad():
            rate = options.learning_rate * 0.5 * (1 + math.cos(math.pi * step / options.steps))
            parameters.copy_(amounts.project(adam.moved(parameters, gradient, rate)))
        if on_step is not None:
            on_step()
    return amounts.translations(parameters.detach().double()).to(home)
