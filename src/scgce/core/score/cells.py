"""Cells of one part of the data as the encoder's first layer sees them, and where translations take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from scipy import sparse

from scgce.core.choose.truncate import PairCuts, SparseDelta

from .memory import by_blocks
from .shift import LinearShift

_BLOCK_ENTRIES = 2**22


class Shift(Protocol):
    """Inputs of the tail for cells under a translation."""

    def translated(self, rows: slice, delta: SparseDelta, *, clip: bool = False) -> torch.Tensor:
        """(n_rows, h) of the given cells after t(x) = x + δ, or max(x + δ, 0) with ``clip``."""
        ...

    def rows(self, index: torch.Tensor) -> torch.Tensor:
        """(len(index), h) untranslated."""
        ...


class FactorisedShift(LinearShift):
    """x·W + b of all cells, computed once."""

    def rows(self, index: torch.Tensor) -> torch.Tensor:
        return self.mapped[index]


class DenseShift:
    """For encoders without a first linear map: rows of X, made dense a bounded block at a time."""

    def __init__(self, X: sparse.csr_array | np.ndarray, device: torch.device | str = "cpu") -> None:
        self.X, self.device = X, device

    def rows(self, index: torch.Tensor | slice) -> torch.Tensor:
        chosen = self.X[index if isinstance(index, slice) else index.cpu().numpy()]
        dense = np.asarray(chosen.toarray() if isinstance(chosen, sparse.csr_array) else chosen)
        return torch.as_tensor(dense, dtype=torch.float32, device=self.device)

    def translated(self, rows: slice, delta: SparseDelta, *, clip: bool = False) -> torch.Tensor:
        dense = self.rows(rows)
        genes = delta.genes.to(dense.device)
        moved = dense[:, genes] + delta.values.to(dense)
        return dense.index_copy(1, genes, moved.clamp_min(0) if clip else moved)


class Cells:
    """Cells sorted by group, with their positions r(x).

    Parameters
    ----------
    shift
        Of the n cells, group after group.
    tail
        The rest of the encoder, float32, (·, h) -> (·, m).
    sizes
        Cells of each group (l,), in order.
    width
        h.
    """

    def __init__(
        self, shift: Shift, tail: Callable[[torch.Tensor], torch.Tensor], sizes: np.ndarray, width: int
    ) -> None:
        self.shift, self.tail, self.width = shift, tail, width
        edges = np.concatenate([[0], np.cumsum(sizes)])
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        self.embedded = [self._blocks(rows, _NOTHING, False) for rows in self.slices]

    @property
    def n_groups(self) -> int:
        return len(self.slices)

    def _blocks(self, rows: slice, delta: SparseDelta, clip: bool) -> torch.Tensor:
        step = max(1, _BLOCK_ENTRIES // self.width)
        with torch.no_grad():
            return torch.cat(
                by_blocks(
                    lambda part: self.tail(self.shift.translated(part, delta, clip=clip)), rows.start, rows.stop, step
                )
            )

    def mover(self, cuts: PairCuts, *, clip: bool = False, scale: float = 1.0) -> Mover:
        """``moved(i, j)``: r(t(x)) of the cells of i under ``scale`` times the explanation of i → j, (n_i, m)."""
        return Mover(self, cuts, clip, scale)

    def translate(self, group: int, delta: SparseDelta, *, clip: bool = False, scale: float = 1.0) -> torch.Tensor:
        """r(t(x)) of the cells of any group under ``scale`` times a translation, (n_group, m)."""
        return self._blocks(self.slices[group], SparseDelta(delta.genes, scale * delta.values.float()), clip)

    def translate_several(
        self, group: int, deltas: Sequence[SparseDelta], *, clip: bool = False, scale: float = 1.0
    ) -> torch.Tensor:
        """The same for several translations at once, (T, n_group, m)."""
        if clip or not isinstance(self.shift, LinearShift) or self.shift.M is None:
            return torch.stack([self.translate(group, delta, clip=clip, scale=scale) for delta in deltas])
        steps = scale * self.shift.steps(deltas)
        base = self.shift.mapped[self.slices[group]]
        step = max(1, _BLOCK_ENTRIES // (len(base) * self.width))
        with torch.no_grad():
            parts = by_blocks(lambda part: self.tail((base + steps[part, None]).flatten(0, 1)), 0, len(deltas), step)
        return torch.cat(parts).view(len(deltas), len(base), -1)

    def means(self) -> torch.Tensor:
        """r̄, (l, m) float64."""
        return torch.stack([points.double().mean(0) for points in self.embedded])


@dataclass(frozen=True)
class Mover:
    """Where explanations take cells: called with a source and a target."""

    cells: Cells
    cuts: PairCuts
    clip: bool = False
    scale: float = 1.0

    def __call__(self, source: int, target: int) -> torch.Tensor:
        """r(t(x)) of the cells of the source, (n, m)."""
        return self.cells.translate(source, self.cuts(source, target), clip=self.clip, scale=self.scale)

    def several(self, source: int, targets: Sequence[int]) -> torch.Tensor:
        """The same under the explanations to several targets, (T, n, m)."""
        deltas = [self.cuts(source, target) for target in targets]
        return self.cells.translate_several(source, deltas, clip=self.clip, scale=self.scale)


_NOTHING = SparseDelta(torch.zeros(0, dtype=torch.int64), torch.zeros(0))
