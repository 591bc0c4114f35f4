"""Reading an encoder's genes from another list of genes, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from ._base import Encoder


class TakeColumns(nn.Module):
    """Picks columns of its input, then applies a module (for encoders without a leading linear map)."""

    def __init__(self, columns: np.ndarray, module: nn.Module) -> None:
        super().__init__()
        self.register_buffer("columns", torch.as_tensor(columns, dtype=torch.int64))
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Module applied to the chosen columns: (·, d_new) to (·, m)."""
        columns = self.columns
        if not isinstance(columns, torch.Tensor):
            raise TypeError("the columns of TakeColumns have been replaced by something that is no tensor")
        return self.module(x[:, columns])


def aligned(encoder: Encoder, genes: np.ndarray) -> Encoder:
    """See :meth:`scgce.encoders.Encoder.align`."""
    from ._base import Encoder

    if np.array_equal(genes, encoder.genes):
        return encoder
    position = {gene: i for i, gene in enumerate(genes)}
    if len(position) != len(genes):
        raise ValueError("genes: names must be unique to align an encoder by name; call adata.var_names_make_unique()")
    columns = np.array([position.get(gene, -1) for gene in encoder.genes], dtype=np.int64)
    _refuse_missing(encoder, columns)
    teacher = encoder.teacher
    if teacher is not None and (columns >= 0).all():
        score = teacher

        def teacher(rows: np.ndarray) -> np.ndarray:
            return score(rows[:, columns])

    W: torch.Tensor | None = None
    tail: nn.Module = encoder.tail
    if encoder.W is None:
        tail = TakeColumns(columns, encoder.tail)
    else:
        present = columns >= 0
        W = torch.zeros(len(genes), encoder.n_hidden)
        W[columns[present]] = encoder.W[present]
    return Encoder(
        kind=encoder.kind if encoder.W is not None else "module",
        genes=genes,
        W=W,
        b=encoder.b,
        tail=tail,
        n_dims=encoder.n_dims,
        fidelity=encoder.fidelity,
        name=encoder.name,
        teacher=teacher,
    )


def _refuse_missing(encoder: Encoder, columns: np.ndarray) -> None:
    used = np.ones(len(columns), dtype=bool) if encoder.W is None else (encoder.W != 0).any(dim=1).numpy()
    missing = encoder.genes[used & (columns < 0)]
    if missing.size:
        shown = ", ".join(missing[:5]) + (", …" if missing.size > 5 else "")
        raise ValueError(
            f"{missing.size} of the {int(used.sum())} genes used by the encoder are missing: {shown}. "
            "Give a matrix with all the genes that the representation was made from"
        )
