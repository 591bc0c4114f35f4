"""The training cells, mini-batch by mini-batch: dense scores kept as they are, sparse genes never densified."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from scgce.matrix.arrays import csr_rows, row_blocks

_PART = 512
Unit: TypeAlias = Literal["largest", "rms"]


class Rows:
    """
    Float32 rows of a matrix, by index, divided by one number for the whole matrix.

    Parameters
    ----------
    X
        (n, p): a numpy array, moved to ``device`` once; or a sparse, backed or dask matrix, of which only the rows
        asked for are ever made dense.
    columns
        Indices of the columns to keep; ``None`` for all.
    unit
        What becomes 1: the matrix's largest absolute value (``"largest"``) or its root mean square (``"rms"``).
    """

    def __init__(
        self, X: Any, device: torch.device, columns: np.ndarray | None = None, *, unit: Unit = "largest"
    ) -> None:
        self.device = device
        self._columns = columns
        self._dense: Tensor | None = None
        self._matrix = X
        n_columns = X.shape[1] if columns is None else len(columns)
        self.shape: tuple[int, int] = (int(X.shape[0]), int(n_columns))
        self.scale = _measure(X, unit)
        if isinstance(X, np.ndarray):
            kept = X if columns is None else X[:, columns]
            self._dense = torch.as_tensor(kept, dtype=torch.float32, device=device) / self.scale

    def __call__(self, index: Tensor) -> Tensor:
        """The rows (b, p) at ``index`` (b,), float32 on the device."""
        if self._dense is not None:
            return self._dense[index]
        block = csr_rows(self._matrix, index.cpu().numpy())
        if self._columns is not None:
            block = block[:, self._columns]
        return torch.from_numpy(block.toarray()).to(self.device) / self.scale


def _measure(X: Any, unit: Unit) -> float:
    """Largest absolute value or root mean square of ``X``, 1 where everything is 0."""
    largest = squares = 0.0
    for _, block in row_blocks(X):
        values = block if isinstance(block, np.ndarray) else block.data
        largest = max(largest, float(np.abs(values).max(initial=0.0)))
        squares += float(np.square(values, dtype=np.float64).sum())
    return (largest if unit == "largest" else math.sqrt(squares / math.prod(X.shape))) or 1.0


def shuffled(cells: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """
    Endless batches of exactly ``batch_size`` of ``cells``, every cell once before any comes again.

    What is left at the end of a pass starts the next one, so that no batch is smaller than the others.
    """
    waiting = cells[:0]
    while True:
        if len(waiting) < batch_size:
            order = torch.randperm(len(cells), generator=generator)
            waiting = torch.cat([waiting, cells[order]])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def start(
    rows: Rows, held_out: float, rng: np.random.Generator, *, least: int, why: str = ""
) -> tuple[torch.Generator, Tensor, list[Tensor]]:
    """
    What every training begins with.

    Parameters
    ----------
    rows
        The cells, (n, p).
    held_out
        Share of the cells kept out of training.
    rng
        Seeds the generator and draws the cells kept out.
    least
        Cells that each part needs; with fewer held out, none are.
    why
        What asks for so many, for the message.

    Returns
    -------
    A CPU generator, the cells to train on, and the cells kept out in even parts of at most 512 (maybe no part).

    Raises
    ------
    ValueError
        If there are fewer than ``least`` cells.
    """
    n_cells = rows.shape[0]
    if n_cells < least:
        raise ValueError(f"{n_cells} cells are too few to train on; at least {least} are needed{why}")
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    order = torch.randperm(n_cells, generator=generator)
    n_out = int(held_out * n_cells)
    if n_out < least or n_cells - n_out < least:
        return generator, order, []
    waiting = order[:n_out]
    return generator, order[n_out:], list(waiting.tensor_split(-(-n_out // _PART)))
