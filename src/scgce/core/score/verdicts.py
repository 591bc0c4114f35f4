"""What judges say of translated cells: the share of i's cells that is called j after i → j."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from scipy import sparse

from scgce.core.choose.truncate import PairCuts, SparseDelta
from scgce.core.pairs import by_source

from .columns import sparse_columns
from .judges import Cells, Judge, sample_groups
from .translator import Bounds, Translator, dense_rows

Pairs = Iterable[tuple[int, int]]

_BLOCK_BYTES = 2**27
_MOST_WAITING = 2**23
"""Numbers of mapped cells that wait for a judge."""


class Predictor(Protocol):
    """Any object with ``predict``: dense cells (n, d) to labels (n,)."""

    def predict(self, X: np.ndarray) -> Any:
        """Label cells."""
        ...


class Verdicts:
    """Scores one judge on the same cells again and again: every pair, every sparsity.

    For a `Judge` the cells are mapped once, and a translation costs δ·M (`Translator`). Any other object with
    ``predict`` is fed dense translated rows in bounded blocks.

    Parameters
    ----------
    judge
        A `Judge`, or any object with ``predict``.
    X
        Cells to translate, sparse or dense (n, d), in the units the judge was fitted on.
    codes
        Group of each cell, shape (n,); −1 cells are left out.
    n_groups
        l.
    labels
        What the judge calls each group, length l; the codes 0 … l−1 by default.
    bounds
        Within which a translation leaves each gene; None: x + δ.
    max_cells
        At most so many cells of each group are translated, drawn without replacement; None takes all.
    rng
        Draws the cells.
    """

    def __init__(
        self,
        judge: Judge | Predictor,
        X: Cells,
        codes: np.ndarray,
        n_groups: int,
        *,
        labels: Sequence[object] | None = None,
        bounds: Bounds | None = None,
        max_cells: int | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        codes = np.asarray(codes)
        if codes.shape != (X.shape[0],):
            raise ValueError(f"codes has shape {codes.shape}; accepted: one code for each of the {X.shape[0]} cells")
        rows = sample_groups(codes, max_cells, np.random.default_rng(rng))
        rows = rows[np.argsort(codes[rows], kind="stable")]
        edges = np.searchsorted(codes[rows], np.arange(n_groups + 1))
        self.n_groups = n_groups
        self._rows = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        self._labels = np.asarray(range(n_groups) if labels is None else labels)
        cells: Cells = sparse.csr_array(X)[rows] if sparse.issparse(X) else np.asarray(X)[rows]
        self._call = _linear(judge, cells, bounds) if isinstance(judge, Judge) else _generic(judge, cells, bounds)

    def score(self, cuts: PairCuts, pairs: Pairs | None = None) -> np.ndarray:
        """Share of the translated cells of i that the judge calls j, float64 (l, l).

        The diagonal is the judge's own accuracy on the cells as they are. NaN where a pair was not asked for or the
        source has no cell.

        Parameters
        ----------
        cuts
            The translations.
        pairs
            Ordered pairs wanted, (i, i) allowed; all by default.
        """
        out = np.full((self.n_groups, self.n_groups), np.nan)
        every = by_source(np.ndindex(self.n_groups, self.n_groups) if pairs is None else pairs)
        wanted = {i: targets for i, targets in every.items() if self._rows[i].start < self._rows[i].stop}
        asked = ((self._rows[i], cuts.several(i, targets)) for i, targets in wanted.items())
        for (i, targets), called in zip(wanted.items(), self._call(asked), strict=True):
            for j, labels in zip(targets, called, strict=True):
                out[i, j] = np.mean(np.asarray(labels) == self._labels[j])
        return out


_Called = Sequence[np.ndarray]
"""What a group's cells are called under each of some translations."""
_Call = Callable[[Iterable[tuple[slice, list[SparseDelta]]]], Iterator[_Called]]


def _linear(judge: Judge, cells: Cells, bounds: Bounds | None) -> _Call:
    translator = Translator(judge.hidden(cells), judge.M, sparse_columns(cells), bounds)

    def decided(waiting: list[torch.Tensor]) -> Iterator[_Called]:
        """All at once, since every search of neighbours costs something to begin."""
        if waiting:
            labels = judge.decide(torch.cat([moved.flatten(0, 1) for moved in waiting]))
            for moved, own in zip(waiting, labels.split([m.shape[0] * m.shape[1] for m in waiting]), strict=True):
                yield np.split(own.numpy(), len(moved))

    def call(asked: Iterable[tuple[slice, list[SparseDelta]]]) -> Iterator[_Called]:
        waiting: list[torch.Tensor] = []
        for rows, deltas in asked:
            waiting.append(translator.translate_several(rows, deltas))
            if sum(moved.numel() for moved in waiting) > _MOST_WAITING:
                yield from decided(waiting)
                waiting = []
        yield from decided(waiting)

    return call


def _generic(judge: Predictor, cells: Cells, bounds: Bounds | None) -> _Call:
    step = max(1, _BLOCK_BYTES // (4 * cells.shape[1]))
    translator = Translator(dense_rows(cells), None, bounds=bounds)

    def call(asked: Iterable[tuple[slice, list[SparseDelta]]]) -> Iterator[_Called]:
        for rows, deltas in asked:
            called: list[list[np.ndarray]] = [[] for _ in deltas]
            for start in range(rows.start, rows.stop, step):
                block = slice(start, min(start + step, rows.stop))
                for labels, delta in zip(called, deltas, strict=True):
                    labels.append(np.asarray(judge.predict(translator.translate(block, delta).numpy())))
            yield [np.concatenate(labels) for labels in called]

    return call
