"""From an AnnData to arrays: groups, matrix, encoder, the split of the cells, and one read of X."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from anndata import AnnData

from scgce._api.adata import gene_names, get_matrix, warn_if_counts, warn_if_scaled
from scgce._api.device import resolve_device
from scgce._api.groups import Groups, read_groups
from scgce.core.score.cells import Cells, DenseShift, FactorisedShift
from scgce.core.score.columns import CachedColumns
from scgce.core.score.epsilon import epsilon_from
from scgce.embedding.source import scvis_encoder
from scgce.encoders import Encoder, resolve
from scgce.encoders._pca import pca_basis
from scgce.encoders._resolve import stored_pca
from scgce.matrix import arrays

from . import params as _params
from .split import FIT, REPORT, VALIDATE, split_cells

logger = logging.getLogger("scgce")

MOST_CELLS = {FIT: 5000, VALIDATE: 100, REPORT: 2000}
"""Cells per group that fit, select and report; larger groups are sampled."""

MOST_NEIGHBOURS = MOST_CELLS[REPORT]
"""Cells per group among which ε is found. Not more than are reported: the more cells, the smaller their spacing, and
translations of an atlas would be scored lower than the same ones of a part of it."""


@dataclass(frozen=True)
class Prepared:
    """Everything the core needs, and where it came from."""

    names: np.ndarray
    """(n,) names of the cells."""
    X: Any
    groups: Groups
    genes: np.ndarray
    encoder: Encoder
    split: np.ndarray
    """(n,) int8: part of every cell, -1 for none."""
    means: np.ndarray
    """(l, d) float64: mean expression over the fitting cells."""
    hidden: np.ndarray | None
    """(n, h) float32: x·W + b of all cells; None if the encoder has no first linear map."""
    order: np.ndarray
    """(n,) rows in an order that does not depend on how the cells are arranged."""
    device: torch.device
    seed: int
    most_reported: np.ndarray | None = None
    """(l,) cells of each group that an explanation opened again was reported on: not more are compared with it."""

    def rows(self, part: int | None, most: int | None = None) -> np.ndarray:
        """Row numbers of the cells of a part, or of all parts, group after group; at most ``most`` per group."""
        bound = [most if most is not None else len(self.order)] * self.groups.n
        if part == REPORT and self.most_reported is not None:
            bound = [min(least, int(other)) for least, other in zip(bound, self.most_reported, strict=True)]
        if part is not None and not (self.split == part).any():  # no split: every cell serves for everything
            part = FIT
        wanted = self.split >= 0 if part is None else self.split == part
        draws = np.random.default_rng([self.seed, 7]).random(len(self.order))
        chosen = []
        for group in range(self.groups.n):
            mine = self.order[(self.groups.codes[self.order] == group) & wanted[self.order]]
            if len(mine) > bound[group]:
                keep = np.sort(np.argsort(draws[: len(mine)], kind="stable")[: bound[group]])
                mine = mine[keep]
            chosen.append(mine)
        return np.concatenate(chosen)

    def cells(self, rows: np.ndarray) -> Cells:
        """Cells given by row numbers that are sorted by group."""
        sizes = np.bincount(self.groups.codes[rows], minlength=self.groups.n)
        tail = self.encoder.tail_as(torch.float32, self.device)
        if self.hidden is None or self.encoder.W is None:
            shift: Any = DenseShift(arrays.csr_rows(self.X, rows), self.device)
        else:
            fetch = _fetcher(self.X, rows, self.device)
            mapped = torch.from_numpy(self.hidden[rows]).to(self.device)
            shift = FactorisedShift(mapped, self.encoder.W.to(self.device), CachedColumns(fetch, len(self.genes)))
        return Cells(shift, tail, sizes, self.encoder.n_hidden)

    def part(self, part: int) -> Cells:
        """Cells that fit, select or are reported."""
        return self.cells(self.rows(part, MOST_CELLS[part]))


def _fetcher(X: Any, rows: np.ndarray, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    def fetch(genes: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(arrays.dense_columns(X, genes.numpy(), rows)).to(device)

    return fetch


def canonical_order(adata: AnnData) -> np.ndarray:
    """Rows sorted by the cells' names: results do not depend on the arrangement of the cells."""
    return np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable")


def prepare(
    adata: AnnData,
    groupby: str,
    *,
    use_rep: str | None,
    encoder: Any,
    layer: str | None,
    groups: Any = "all",
    reference: str | None = None,
    validation_fraction: float = 0.25,
    min_cells: int = 3,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
) -> Prepared:
    """Check the input, resolve the encoder, split the cells and read X once (twice if it is not in memory)."""
    found = read_groups(adata, groupby, groups=groups, min_cells=min_cells, reference=reference)
    X, genes = get_matrix(adata, layer), gene_names(adata)
    name = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    arrays.check_matrix(X, name)
    warn_if_counts(X, name)
    warn_if_scaled(adata, layer)
    where = resolve_device(device)
    seed = _params.seed_of(rng)
    order = canonical_order(adata)
    split = np.empty(len(order), dtype=np.int8)
    split[order] = split_cells(found.codes[order], found.n, validation_fraction, seed)
    if use_rep is None and encoder is None:
        encoder = _scvis(adata, X, genes, layer, order[split[order] == FIT], seed, where)
    r = resolve(adata, use_rep=use_rep, encoder=encoder, layer=layer, rng=seed, device=device).align(genes)
    return read(adata, X, genes, found, r, split, device=where, seed=seed)


def _scvis(
    adata: AnnData, X: Any, genes: np.ndarray, layer: str | None, fitting: np.ndarray, seed: int, device: torch.device
) -> Encoder:
    """The map that is fitted where the user gives none, as the paper does; it sees the fitting cells only."""
    logger.info("neither use_rep nor encoder given: fitting scvis")
    pca = stored_pca(adata, layer) or pca_basis(X, genes, rng=seed, order=fitting)
    return scvis_encoder(X, genes, pca, fitting, rng=seed, device=device)


def read(
    adata: AnnData,
    X: Any,
    genes: np.ndarray,
    found: Groups,
    encoder: Encoder,
    split: np.ndarray,
    *,
    device: torch.device,
    seed: int,
) -> Prepared:
    """Hidden values of all cells and means of the fitting cells, in one read of X."""
    fitting = np.where(split == FIT, found.codes, -1)
    sizes = np.bincount(fitting[fitting >= 0], minlength=found.n)[:, None]
    hidden = None
    if encoder.W is None or encoder.b is None:
        sums = arrays.group_sums(X, fitting, found.n, device=device)
    else:
        W, b = encoder.W.numpy(), encoder.b.numpy()
        hidden, sums = arrays.project_and_sum(X, W, b, fitting, found.n, device=device)
    means = sums / np.maximum(sizes, 1)
    return Prepared(
        adata.obs_names.to_numpy(), X, found, genes, encoder, split, means, hidden, canonical_order(adata), device, seed
    )


def pick_epsilon(prepared: Prepared, epsilon: float | str | None) -> float:
    """ε given as a number, or by rule over the groups' self-similarity: "mean" (default) or "max".

    It is the resolution of the map, so the cells of all parts give it.
    """
    if epsilon is not None and not isinstance(epsilon, str):
        return float(epsilon)
    cells = prepared.cells(prepared.rows(None, MOST_NEIGHBOURS))
    return epsilon_from(cells.embedded, "mean" if epsilon is None else epsilon)
