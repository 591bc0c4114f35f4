"""Any torch module as an encoder."""

from __future__ import annotations

import copy
import logging
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from scgce.matrix.arrays import dense_rows

from ._base import Encoder, Kind, name_array
from ._fidelity import rows_used, sample_rows
from ._layers import flat_layers, is_known
from ._leading import FORWARD_ERRORS, TOLERANCE, simplify, split_leading

logger = logging.getLogger("scgce")

_N_PROBES = 16


class Output(nn.Module):
    """One of the things that a module returns: ``Output(vae_encoder, 0)`` for the first item of a tuple.

    Parameters
    ----------
    module
        Module that returns a tuple, list, dict or object.
    item
        Position, key or attribute name of the tensor wanted.
    """

    def __init__(self, module: nn.Module, item: int | str) -> None:
        super().__init__()
        self.module = module
        self.item = item

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The item of ``module(x)``."""
        result = self.module(x)
        if isinstance(self.item, str) and not isinstance(result, dict):
            return getattr(result, self.item)
        return result[self.item]


def wrap_module(
    module: nn.Module,
    genes: Any,
    X: Any = None,
    *,
    rng: int | np.random.Generator = 0,
    used: np.ndarray | None = None,
) -> Encoder:
    """Make an encoder of a torch module.

    The module is copied, put in evaluation mode and never trained; the one given is not touched.  The Linear that
    reads the input is found and taken off if the rest then computes the same, to 1e-5, on real and random rows;
    otherwise the encoder has no leading linear map and reads dense rows.

    Parameters
    ----------
    module
        Maps (·, d) float32 to (·, m) float32; each row on its own, without chance.
    genes
        Names of the d inputs.
    X
        Matrix (n, d) that the module will read; a few rows are used for the checks.  Random rows alone if None.
    rng
        Which rows.
    used
        From which rows of X they are taken, bool (n,); from all if None.

    Raises
    ------
    TypeError
        If the module cannot be copied, or returns no tensor (tuple: wrap it in :class:`Output`).
    ValueError
        If the module reads another number of inputs, has uninitialised parameters, returns NaN, returns something
        else on the second call (dropout, sampling), or mixes the rows of a batch.
    """
    genes = name_array(genes)
    given = type(module).__name__
    own = _own_copy(module)
    real, probes = _probe_rows(X, len(genes), rng, used)
    n_dims = _check(own, given, real)
    split = split_leading(own, probes) or split_leading(own, real)
    W, b, tail = split if split is not None else (None, None, simplify(own, real))
    layers = flat_layers(tail)
    kind: Kind = "module"
    if W is not None and all(is_known(layer) for layer in layers):
        kind = "mlp" if layers else "linear"
    if W is None:
        logger.info("encoder %s: no leading linear map found; it is fed dense rows in blocks (slower)", given)
    return Encoder(kind=kind, genes=genes, W=W, b=b, tail=tail, n_dims=n_dims, name=given)


def _own_copy(module: nn.Module) -> nn.Module:
    if any(is_lazy(parameter) for parameter in module.parameters()):
        raise ValueError("encoder: the module has uninitialised (lazy) parameters; call it once on data first")
    try:
        own = copy.deepcopy(module)
    except (RuntimeError, TypeError, NotImplementedError, AttributeError) as error:
        raise TypeError(
            f"encoder: a module of type {type(module).__name__} cannot be copied ({error}); "
            "give the network itself, without trainer, hooks or weight_norm"
        ) from error
    return own.to("cpu").float().eval().requires_grad_(False)


def _probe_rows(
    X: Any, d: int, rng: int | np.random.Generator, used: np.ndarray | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows that the module has to manage (real ones where there are), and those with random rows added."""
    generator = np.random.default_rng(rng)
    sparse_counts = np.log1p(generator.poisson(0.5, (_N_PROBES, d))).astype(np.float32)
    if X is not None:
        if X.shape[1] != d:
            raise ValueError(f"encoder: {d} gene names were given for a matrix of {X.shape[1]} genes")
        there = rows_used(X.shape[0], used)
        sparse_counts = dense_rows(X, there[sample_rows(len(there), 2 * _N_PROBES, generator)])
    noise = generator.standard_normal((_N_PROBES, d)).astype(np.float32)
    real = torch.from_numpy(sparse_counts)
    return real, torch.cat([real, torch.from_numpy(noise)])


def _check(module: nn.Module, name: str, rows: torch.Tensor) -> int:
    """Refuse modules that are not functions of a cell; returns m."""
    output = _forward(module, name, rows)
    if output.ndim != 2 or output.shape[0] != rows.shape[0]:
        raise ValueError(
            f"encoder: {name} returned shape {tuple(output.shape)} for {rows.shape[0]} cells; expected "
            f"({rows.shape[0]}, m)"
        )
    bad = int((~torch.isfinite(output)).any(dim=1).sum())
    if bad:
        raise ValueError(
            f"encoder: {name} returned NaN or infinite values for {bad} of {len(rows)} cells; check the layer "
            "(the module may expect counts, log values or scaled values) and its weights"
        )
    tolerance = 10 * TOLERANCE * max(1.0, float(output.abs().max()))
    if float((output - _forward(module, name, rows)).abs().max()) > tolerance:
        raise ValueError(
            f"encoder: {name} gives different values for the same cells, in evaluation mode, too; return the mean "
            "instead of a sample, and use nn.Dropout rather than the function"
        )
    one_by_one = torch.cat([_forward(module, name, rows[i : i + 1]) for i in range(min(4, len(rows)))])
    if float((output[: len(one_by_one)] - one_by_one).abs().max()) > tolerance:
        raise ValueError(
            f"encoder: what {name} returns for a cell depends on the other cells of the batch; an encoder reads "
            "each cell on its own (BatchNorm needs track_running_stats=True)"
        )
    return int(output.shape[1])


def _forward(module: nn.Module, name: str, rows: torch.Tensor) -> torch.Tensor:
    try:
        with torch.no_grad():
            output = module(rows)
    except FORWARD_ERRORS as error:
        width = _input_width(module)
        if width is not None and width != rows.shape[1]:
            raise ValueError(
                f"encoder: {name} reads {width} inputs but the matrix has {rows.shape[1]} genes; subset the AnnData "
                "to the genes that it was trained on, in that order"
            ) from error
        raise ValueError(f"encoder: {name} failed on a float32 tensor of shape {tuple(rows.shape)}: {error}") from error
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"encoder: {name} returned a {type(output).__name__}, not a tensor (n, m); give "
            "scgce.encoders.Output(module, 0) (or another position, key or attribute name) to pick the latent mean"
        )
    return output.float()


def _input_width(module: nn.Module) -> int | None:
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            return layer.in_features
        if isinstance(layer, nn.BatchNorm1d):
            return layer.num_features
    return None
