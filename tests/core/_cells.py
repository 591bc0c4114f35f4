"""Cells of a few groups in a gene space whose representation is a small network, for selection and refinement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from scgce.core.score.cells import Cells
from scgce.core.score.columns import CachedColumns
from scgce.core.score.translator import Bounds, Translator, dense_rows
from scgce.core.solve.problem import Problem


@dataclass(frozen=True)
class World:
    """Two independent samples of the same groups."""

    X: torch.Tensor
    """(n, d) float32, group after group."""
    sizes: list[int]
    W: torch.Tensor
    b: torch.Tensor
    tail: nn.Module
    fit: Cells
    validate: Cells
    problem: Problem
    means: torch.Tensor
    """(l, d) float64."""

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.tail(x @ self.W + self.b)


def cells_of(
    X: torch.Tensor, sizes: list[int], W: torch.Tensor, b: torch.Tensor, tail: nn.Module, bounds: Bounds | None = None
) -> Cells:
    translator = Translator(X @ W + b, W, CachedColumns(lambda genes: X[:, genes], X.shape[1]), bounds)
    return Cells(translator, tail, torch.tensor(sizes).numpy(), W.shape[1])


def dense_cells_of(X: torch.Tensor, sizes: list[int], encode: nn.Module, bounds: Bounds | None = None) -> Cells:
    """The same through an encoder without a first linear map."""
    translator = Translator(dense_rows(X.numpy()), None, bounds=bounds)
    return Cells(translator, encode, torch.tensor(sizes).numpy(), X.shape[1])


def bounded(cells: Cells, bounds: Bounds | None) -> Cells:
    """The same cells under translations that stay within bounds."""
    old = cells.translator
    translator = Translator(old.rows, old.M, old.columns, bounds)
    return Cells(translator, cells.tail, np.array([rows.stop - rows.start for rows in cells.slices]), cells.width)


def make_world(seed: int = 0, l: int = 4, d: int = 24, cells: int = 30) -> World:
    """Group g expresses genes 3g … 3g + 2; the other genes are noise."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [cells + 2 * g for g in range(l)]
    rate = torch.full((l, d), 0.2)
    for g in range(l):
        rate[g, 3 * g : 3 * g + 3] = 3.0
    codes = torch.repeat_interleave(torch.arange(l), torch.tensor(sizes))

    def sample() -> torch.Tensor:
        return torch.log1p(torch.poisson(rate[codes], generator=generator))

    W = torch.randn(d, 8, generator=generator) / 2
    b = torch.randn(8, generator=generator) / 2
    tail = nn.Sequential(nn.ELU(), nn.Linear(8, 2))
    for parameter in tail.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
        parameter.requires_grad_(False)
    X, other = sample(), sample()
    fit, validate = (cells_of(x, sizes, W, b, tail) for x in (X, other))
    means = torch.stack([x.double().mean(0) for x in X.split(sizes)])
    double = nn.Sequential(nn.ELU(), nn.Linear(8, 2)).double().requires_grad_(False)
    double.load_state_dict(tail.state_dict())
    problem = Problem(means @ W.double() + b.double(), fit.means(), W.double(), double)
    return World(X, sizes, W, b, tail, fit, validate, problem, means)
