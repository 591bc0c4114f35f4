"""Distillation: a small network that reads genes and reproduces a representation."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import nn

from scgce._api.device import resolve_device
from scgce._api.warn import warn

from ._base import Encoder, name_array
from ._fidelity import neighbours_kept, r_squared
from ._pca import pca_basis
from ._train import Training, train_network

logger = logging.getLogger("scgce")

LOW_R2 = 0.8
"""Held-out R² below which a student is warned about."""
HELD_OUT = 0.1
"""Share of the cells that stop the training, and again the share that the fidelity is measured on."""
_MIN_CELLS = 20


def distill_student(
    X: Any,
    target: Any,
    *,
    genes: Any,
    basis: Encoder | None = None,
    n_pcs: int = 50,
    how: Training | None = None,
    rng: int | np.random.Generator = 0,
    device: str | torch.device = "cpu",
    order: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    name: str = "student",
) -> Encoder:
    """Train an encoder that reproduces a representation that cannot be evaluated on new expression values.

    Expression is projected on principal components (h of them: the encoder's W and b), which a small network with
    a smooth activation maps to the representation.  Some cells stop the training, others take no part in it and
    measure the fidelity: those of ``parts``, else a tenth each.

    Parameters
    ----------
    X
        Matrix (n, d) of any kind, never densified.
    target
        The representation (n, m), finite.
    genes
        Names (d,).
    basis
        Linear encoder whose output the network reads; a PCA of X if None.
    n_pcs
        Components of that PCA.
    how
        Network and training.
    rng
        Seed or generator: the same seed gives the same bytes on the CPU.
    device
        Where to train.
    order
        Row numbers (n,) in an order that does not depend on how the cells are arranged.
    parts
        Part (n,) of every cell: 0 trains (the PCA too), 1 stops the training, 2 measures the fidelity; a cell below 0
        takes no part at all.  Where there is no 1 or no 2, the cells of part 0 are divided.
    name
        Name of the representation, for messages.

    Returns
    -------
    Encoder of kind ``"mlp"``; its ``fidelity`` has, over the cells left out, ``r2`` (share of the variance of all
    dimensions together), ``neighbours`` (share of each cell's 15 nearest that stay among its 15 nearest, within
    these cells) and ``n_cells``.

    Raises
    ------
    ValueError
        If the representation has NaN, another number of rows, is constant, there are fewer than 20 cells, or
        training diverges.

    Warns
    -----
    UserWarning
        If the held-out R² is below 0.8.
    """
    started = time.perf_counter()
    generator, how = np.random.default_rng(rng), how or Training()
    order = np.arange(X.shape[0]) if order is None else order
    parts = np.zeros(X.shape[0], dtype=np.int8) if parts is None else parts
    order = order[parts[order] >= 0]
    wanted = _check_target(target, X.shape[0], order, name)
    if basis is None:
        basis = pca_basis(X, genes, n_pcs, rng=generator, order=order[parts[order] == 0])
    fit, watch, left_out = _split(order, parts, generator)
    H = basis.hidden(X)
    centre, scale = H[fit].mean(axis=0, dtype=np.float64), _spread(H[fit])
    middle, size = wanted[fit].mean(axis=0), _spread(wanted[fit])
    if size == 0.0:
        raise ValueError(f"{name}: the representation has the same value for all cells; there is nothing to learn")
    scale = scale or 1.0
    network = train_network(
        ((H - centre) / scale).astype(np.float32),
        ((wanted - middle) / size).astype(np.float32),
        fit,
        watch,
        noise=how.noise_for(wanted.shape[1]) * _neighbour_distance(H[fit]) / scale / np.sqrt(H.shape[1]),
        how=how,
        rng=generator,
        device=resolve_device(str(device)),
    )
    encoder = _fuse(basis, centre, scale, network, middle, size, genes, name)
    found = encoder.embed_hidden((H[left_out] - centre) / scale)
    encoder.fidelity = {
        "r2": r_squared(wanted[left_out], found),
        "neighbours": neighbours_kept(wanted[left_out], found),
        "n_cells": float(len(left_out)),
    }
    _report(encoder, time.perf_counter() - started)
    return encoder


def _check_target(target: Any, n: int, used: np.ndarray, name: str) -> np.ndarray:
    wanted = np.asarray(target.toarray() if hasattr(target, "toarray") else target, dtype=np.float64)
    if wanted.ndim != 2 or wanted.shape[0] != n:
        raise ValueError(f"{name}: the representation has shape {wanted.shape}; expected ({n}, m)")
    bad = int((~np.isfinite(wanted[used])).any(axis=1).sum())
    if bad:
        raise ValueError(
            f"{name}: the representation has NaN or infinite values for {bad} of {len(used)} cells; drop them"
        )
    if len(used) < _MIN_CELLS:
        raise ValueError(
            f"{name}: {len(used)} cells are too few to distil a representation; at least {_MIN_CELLS} are needed"
        )
    return wanted


def _split(
    order: np.ndarray, parts: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells that train, that stop the training, and that are left out."""
    fit, watch, left_out = (order[parts[order] == part] for part in range(3))
    if len(watch) and len(left_out):
        return fit[generator.permutation(len(fit))], watch, left_out
    order = fit
    shuffled = order[generator.permutation(len(order))]
    k = max(5, round(HELD_OUT * len(order)))
    return shuffled[2 * k :], shuffled[:k], shuffled[k : 2 * k]


def _spread(values: np.ndarray) -> float:
    """Root mean variance over the columns: one scale for all, so that distances keep their shape."""
    return float(np.sqrt(values.var(axis=0, dtype=np.float64).mean()))


def _neighbour_distance(H: np.ndarray) -> float:
    """Median distance of a cell to its nearest neighbour, from at most 1,000 among 10,000 cells."""
    search = NearestNeighbors(n_neighbors=2).fit(H[:10_000])
    return float(np.median(search.kneighbors(H[:1000])[0][:, 1]))


def _fuse(
    basis: Encoder,
    centre: np.ndarray,
    scale: float,
    network: nn.Sequential,
    middle: np.ndarray,
    size: float,
    genes: Any,
    name: str,
) -> Encoder:
    """One encoder of the projection, its scaling, the network and the scaling of its output."""
    if basis.W is None or basis.b is None:
        raise ValueError(f"{name}: the basis of a student must be a linear encoder")
    last = network[-1]
    if not isinstance(last, nn.Linear):
        raise TypeError(f"{name}: the network of a student must end with a Linear layer, not {type(last).__name__}")
    with torch.no_grad():
        last.weight.mul_(size)
        last.bias.mul_(size).add_(torch.from_numpy(middle).float())
    return Encoder(
        kind="mlp",
        genes=name_array(genes),
        W=basis.W.double().numpy() / scale,
        b=(basis.b.double().numpy() - centre) / scale,
        tail=network,
        n_dims=len(middle),
        name=f"student of {name}",
    )


def _report(encoder: Encoder, seconds: float) -> None:
    r2, neighbours = encoder.fidelity["r2"], encoder.fidelity["neighbours"]
    logger.info("%s: held-out R² %.3f, neighbours kept %.2f, %.1f s", encoder.name, r2, neighbours, seconds)
    if r2 < LOW_R2:
        warn(
            f"the {encoder.name} reproduces only R² = {r2:.2f} of it on held-out cells (below {LOW_R2}); explanations "
            "describe the student. Is the representation made from this matrix? More cells or another layer may help"
        )
