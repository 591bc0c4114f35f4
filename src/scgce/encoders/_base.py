"""The contract of a representation r: r(x) = tail(x @ W + b)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from scgce.matrix.arrays import project, row_blocks

Kind = Literal["linear", "mlp", "module"]
_BLOCK_BYTES = 2**27


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


class Encoder:
    """A representation of cells with its first linear map laid open.

    Nearly every encoder starts with a linear map, so r(x) = tail(x·W + b): translations of cells are added after
    the product with W, which is computed once.  An encoder without such a map has ``W = b = None``, its hidden
    values are the dense rows themselves, and everything is computed on bounded blocks of dense rows.

    Parameters
    ----------
    kind
        ``"linear"`` (tail is the identity), ``"mlp"`` (tail of known layers, can be stored) or ``"module"``
        (any other torch module).
    genes
        Names of the d inputs, in order.
    W, b
        First linear map, shapes (d, h) and (h,), or None.
    tail
        Module from (·, h) to (·, m).  It belongs to the encoder from now on: evaluation mode, no gradients.
    n_dims
        Latent dimensions m.
    fidelity
        How well the encoder reproduces a representation: ``r2``, ``neighbours`` (share of the 15 nearest
        neighbours kept), ``n_cells``.  Empty if the encoder is itself the representation.
    name
        What the encoder was made from, for messages.
    teacher
        The function that a student stands for: metrics are to be scored on it (dense rows (·, d) to (·, m)).
    """

    def __init__(
        self,
        *,
        kind: Kind,
        genes: Any,
        W: Any,
        b: Any,
        tail: nn.Module,
        n_dims: int,
        fidelity: dict[str, float] | None = None,
        name: str = "",
        teacher: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.kind: Kind = kind
        self.genes: np.ndarray = name_array(genes)
        self.W: torch.Tensor | None = None if W is None else _float_tensor(W)
        self.b: torch.Tensor | None = None
        if self.W is not None:
            self.b = torch.zeros(self.W.shape[1]) if b is None else _float_tensor(b)
        self.tail: nn.Module = tail.eval().requires_grad_(False)
        self.n_dims = int(n_dims)
        self.fidelity: dict[str, float] = dict(fidelity or {})
        self.name = name or type(tail).__name__
        self.teacher = teacher
        self._tails: dict[tuple[torch.dtype, str], nn.Module] = {}
        self._check_shapes()

    def _check_shapes(self) -> None:
        if self.genes.size == 0:
            raise ValueError("genes is empty; expected the names of the encoder's inputs")
        if self.W is None:
            return
        if self.W.ndim != 2 or self.W.shape[0] != self.n_genes:
            raise ValueError(f"W has shape {tuple(self.W.shape)}, expected ({self.n_genes}, h): one row per gene")
        if self.b is None or tuple(self.b.shape) != (self.n_hidden,):
            raise ValueError(
                f"b has shape {None if self.b is None else tuple(self.b.shape)}, expected ({self.n_hidden},)"
            )

    @property
    def n_genes(self) -> int:
        """Number of inputs d."""
        return int(self.genes.size)

    @property
    def n_hidden(self) -> int:
        """Width h of what the tail reads (d if there is no leading linear map)."""
        return self.n_genes if self.W is None else int(self.W.shape[1])

    def __repr__(self) -> str:
        first = "no leading linear map" if self.W is None else f"h={self.n_hidden}"
        return f"Encoder(kind={self.kind!r}, {self.name}, d={self.n_genes}, {first}, m={self.n_dims})"

    def hidden(self, X: Any) -> np.ndarray:
        """X·W + b, shape (n, h), float32, read in row blocks.

        Without a leading linear map this is X itself, dense: ask for a few rows at a time then.
        """
        self._check_width(X)
        if self.W is None:
            return np.concatenate([_dense(block) for _, block in row_blocks(X)])
        return project(X, self.W.numpy(), None if self.b is None else self.b.numpy())

    def embed_hidden(self, H: Any, block: int = 65536) -> np.ndarray:
        """tail(H), shape (n, m), float32, in blocks of rows.

        Raises
        ------
        ValueError
            If the tail returns NaN or infinite values.
        """
        H = np.asarray(H, dtype=np.float32)
        if H.ndim != 2 or H.shape[1] != self.n_hidden:
            raise ValueError(f"hidden values have shape {H.shape}, expected (n, {self.n_hidden})")
        out = np.empty((H.shape[0], self.n_dims), dtype=np.float32)
        step = max(1, min(block, _BLOCK_BYTES // (4 * self.n_hidden)))
        with torch.inference_mode():
            for start in range(0, H.shape[0], step):
                rows = slice(start, start + step)
                out[rows] = self.tail(torch.from_numpy(np.ascontiguousarray(H[rows]))).numpy()
        bad = int((~np.isfinite(out)).any(axis=1).sum())
        if bad:
            raise ValueError(f"the encoder ({self.name}) returned NaN or infinite values for {bad} of {len(out)} cells")
        return out

    def __call__(self, X: Any) -> np.ndarray:
        """r(X), shape (n, m), float32; X is any kind of matrix (n, d) and is never made dense as a whole."""
        if self.W is not None:
            return self.embed_hidden(self.hidden(X))
        self._check_width(X)
        parts = [self.embed_hidden(_dense(block)) for _, block in row_blocks(X)]
        return np.concatenate(parts) if parts else np.empty((0, self.n_dims), dtype=np.float32)

    def tail_as(self, dtype: torch.dtype, device: torch.device | str) -> nn.Module:
        """A copy of the tail in another precision or on another device; the same copy on every call."""
        key = (dtype, str(torch.device(device)))
        if key not in self._tails:
            self._tails[key] = copy.deepcopy(self.tail).to(device=device, dtype=dtype).eval().requires_grad_(False)
        return self._tails[key]

    def align(self, genes: Any) -> Encoder:
        """The same encoder reading its genes from another list of genes.

        Parameters
        ----------
        genes
            Unique names of the columns of the matrix to be read, in order.  Genes unknown to the encoder are
            ignored by it (zero weight).

        Raises
        ------
        ValueError
            If a gene that the encoder uses is missing.  Genes whose weights are all zero may be missing.
        """
        return _aligned(self, name_array(genes))

    def _check_width(self, X: Any) -> None:
        if len(X.shape) != 2 or X.shape[1] != self.n_genes:
            raise ValueError(f"the encoder reads {self.n_genes} genes, the matrix has shape {tuple(X.shape)}")


def _aligned(encoder: Encoder, genes: np.ndarray) -> Encoder:
    """The encoder on unique ``genes`` (d_new,)."""
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


def name_array(names: Any) -> np.ndarray:
    """Names as a one-dimensional str array, whatever string array (numpy, pandas, from a file) holds them."""
    if np.ndim(names) != 1:
        raise ValueError(f"genes must be a list of names, got an array of shape {np.shape(names)}")
    return np.array([str(name) for name in names], dtype=str)


def _float_tensor(values: Any) -> torch.Tensor:
    """A contiguous float32 copy on the CPU, free of the autograd graph."""
    if isinstance(values, torch.Tensor):
        return values.detach().to("cpu", torch.float32).contiguous().clone()
    return torch.tensor(np.ascontiguousarray(values, dtype=np.float32))


def _dense(block: Any) -> np.ndarray:
    return np.asarray(block.toarray() if hasattr(block, "toarray") else block, dtype=np.float32)
