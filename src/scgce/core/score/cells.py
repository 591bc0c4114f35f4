"""Cells of one part of the data as the encoder's first layer sees them, and where translations take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from scgce.core.choose.truncate import PairCuts, SparseDelta

from .memory import by_blocks
from .neighbours import GroupIndex
from .translator import Translator

_BLOCK_ENTRIES = 2**22
_MOVED = 2**22
"""Most numbers of translated cells held at a time."""


class Cells:
    """Cells sorted by group, with their positions r(x).

    Parameters
    ----------
    translator
        Of the n cells, group after group: what the tail is given of them, untranslated and translated.
    tail
        The rest of the encoder, float32, (·, h) -> (·, m).
    sizes
        Cells of each group (l,), in order.
    width
        h.
    name
        What the encoder was made from, for messages.

    Raises
    ------
    ValueError
        If the encoder returns NaN or infinite values, be it for the cells as they are or once they are translated.
    """

    def __init__(
        self,
        translator: Translator,
        tail: Callable[[torch.Tensor], torch.Tensor],
        sizes: np.ndarray,
        width: int,
        name: str = "encoder",
    ) -> None:
        self.translator, self.tail, self.width, self.name = translator, tail, width, name
        edges = np.concatenate([[0], np.cumsum(sizes)])
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        self.embedded = [self._blocks(rows, _NOTHING) for rows in self.slices]

    @property
    def n_groups(self) -> int:
        return len(self.slices)

    @property
    def device(self) -> torch.device:
        """Where their positions are computed."""
        return self.embedded[0].device

    @cached_property
    def index(self) -> GroupIndex:
        """Their positions as searches need them, made once for all that is scored."""
        return GroupIndex(self.embedded)

    def _blocks(self, rows: slice, delta: SparseDelta) -> torch.Tensor:
        step = max(1, _BLOCK_ENTRIES // self.width)
        with torch.no_grad():
            if rows.start == rows.stop:
                return self.tail(self.translator.rows(rows))
            found = torch.cat(
                by_blocks(lambda part: self.tail(self.translator.translate(part, delta)), rows.start, rows.stop, step)
            )
        return self._finite(found, moved=bool(len(delta.genes)))

    def _finite(self, points: torch.Tensor, *, moved: bool) -> torch.Tensor:
        if math.isfinite(float(points.sum())) or torch.isfinite(points).all():  # a sum costs least
            return points
        bad = int((~torch.isfinite(points)).flatten(0, -2).any(dim=1).sum())
        what, hint = ("cells", "check the layer (it may expect counts, log values or scaled values) and its weights")
        if moved:
            what, hint = "translated cells", "clamp its input, or bound the cells with clip='range'"
        n = points[..., 0].numel()
        raise ValueError(f"encoder: {self.name} returned NaN or infinite values for {bad} of {n} {what}; {hint}")

    def mover(self, cuts: PairCuts, *, scale: float = 1.0) -> Mover:
        """``moved(i, j)``: r(t(x)) of the cells of i under ``scale`` times the explanation of i → j, (n_i, m)."""
        return Mover(self, cuts, scale)

    def translate(self, group: int, delta: SparseDelta, *, scale: float = 1.0) -> torch.Tensor:
        """r(t(x)) of the cells of any group under ``scale`` times a translation, (n_group, m)."""
        return self._blocks(self.slices[group], SparseDelta(delta.genes, scale * delta.values.float()))

    def translate_many(
        self,
        rows: torch.Tensor,
        source: torch.Tensor,
        genes: torch.Tensor,
        amounts: torch.Tensor,
        *,
        entering: bool = True,
    ) -> torch.Tensor:
        """Positions (P, B, m) of lists of cells under many translations, differentiable in the amounts.

        Parameters
        ----------
        rows, source
            Lists of cells of one length, int64 (r, B), and which of them each translation moves, (P,).
        genes, amounts
            Indices of the genes (A,), and their amounts (P, A).
        entering
            False: the gradient of amounts of 0 may be left out.
        """
        inputs = self.translator.translate_many(rows, source, genes, amounts, entering=entering)
        return self.tail(inputs.flatten(0, 1)).view(*inputs.shape[:2], -1)

    def translate_several(self, group: int, deltas: Sequence[SparseDelta], *, scale: float = 1.0) -> torch.Tensor:
        """The same for several translations at once, (T, n_group, m)."""
        rows = self.slices[group]
        n = rows.stop - rows.start
        step = max(1, _BLOCK_ENTRIES // (n * self.width))

        def positions(part: slice) -> torch.Tensor:
            return self.tail(self.translator.translate_several(rows, deltas[part], scale).flatten(0, 1))

        with torch.no_grad():
            found = torch.cat(by_blocks(positions, 0, len(deltas), step)).view(len(deltas), n, -1)
        return self._finite(found, moved=True)

    def means(self) -> torch.Tensor:
        """r̄, (l, m) float64."""
        return torch.stack([points.double().mean(0) for points in self.embedded])


@dataclass(frozen=True)
class Mover:
    """Where explanations take cells: called with a source and a target."""

    cells: Cells
    cuts: PairCuts
    scale: float = 1.0

    def __call__(self, source: int, target: int) -> torch.Tensor:
        """r(t(x)) of the cells of the source, (n, m)."""
        return self.cells.translate(source, self.cuts(source, target), scale=self.scale)

    def several(self, source: int, targets: Sequence[int]) -> torch.Tensor:
        """The same under the explanations to several targets, (T, n, m)."""
        return self.cells.translate_several(source, self.cuts.several(source, targets), scale=self.scale)


@dataclass(frozen=True)
class Shifted:
    """The same where every group has a shift (l, h) of the hidden space, on the device of the cells."""

    cells: Cells
    shifts: torch.Tensor

    def __call__(self, source: int, target: int) -> torch.Tensor:
        """Positions of the cells of the source, (n, m)."""
        return self.several(source, [target])[0]

    def several(self, source: int, targets: Sequence[int]) -> torch.Tensor:
        """The same to several targets, (T, n, m)."""
        rows, width = self.cells.slices[source], self.cells.width
        with torch.no_grad():
            inputs = self.cells.translator.rows(torch.arange(rows.start, rows.stop))
            change = self.shifts[targets] - self.shifts[source]

            def positions(part: slice) -> torch.Tensor:
                found: torch.Tensor = self.cells.tail((inputs + change[part, None]).flatten(0, 1))
                return found.view(-1, len(inputs), found.shape[1])

            return torch.cat(by_blocks(positions, 0, len(targets), max(1, _BLOCK_ENTRIES // (len(inputs) * width))))


@runtime_checkable
class ToSeveral(Protocol):
    """What moves cells of a source to several targets at once."""

    def several(self, source: int, targets: Sequence[int]) -> torch.Tensor:
        """Positions of the cells of the source under its translations to the targets, (T, n, m)."""


def in_parts(
    moved: Callable[[int, int], torch.Tensor], source: int, targets: Sequence[int], numbers: int
) -> Iterator[tuple[list[int], torch.Tensor]]:
    """The cells of a source under its translations to several targets, (T, n, m), in parts that fit a bounded memory.

    ``numbers`` is n · m. What can move to several targets at once is asked to, any other function for one after the
    other.
    """
    step = max(1, _MOVED // max(1, numbers))
    for start in range(0, len(targets), step):
        some = list(targets[start : start + step])
        if isinstance(moved, ToSeveral):
            yield some, moved.several(source, some)
        else:
            yield some, torch.stack([moved(source, target) for target in some])


_NOTHING = SparseDelta(torch.zeros(0, dtype=torch.int64), torch.zeros(0))
