"""From an AnnData to arrays: groups, matrix, encoder, the split of the cells, and one read of X."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from anndata import AnnData

from scgce._api.adata import gene_names, get_matrix, log_base, warn_if_counts, warn_if_scaled
from scgce._api.device import resolve_device
from scgce._api.errors import listing
from scgce._api.groups import Groups, read_groups, read_labels
from scgce.core.pairs import Asked
from scgce.core.score.cells import Cells
from scgce.core.score.columns import CachedColumns
from scgce.core.score.epsilon import epsilon_from
from scgce.core.score.translator import Bounds, Translator, bounds_of, dense_rows
from scgce.embedding.source import scvis_encoder
from scgce.encoders import Encoder, resolve
from scgce.encoders._pca import pca_basis
from scgce.encoders._resolve import stored_pca
from scgce.matrix import arrays
from scgce.matrix.extremes import Extremes

from . import params as _params
from .asked import asked_pairs
from .split import FIT, REPORT, VALIDATE, split_cells, split_donors

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
    low: np.ndarray
    high: np.ndarray
    """(d,) float32 each: range of every gene over the fitting cells, outliers aside (`matrix.extremes`)."""
    reported_means: np.ndarray
    """(l, d) float64: mean expression over the reported cells."""
    clip: str
    """"range", "zero" or "none"."""
    most_reported: np.ndarray | None = None
    """(l,) cells of each group that an explanation opened again was reported on: not more are compared with it."""
    base: float | None = None
    """Of the logarithm of X; None if nothing says it."""
    donors: dict[str, int] = field(default_factory=dict)
    """Part of every donor, where whole donors fit, select and are reported."""
    asked: Asked | None = None
    """Pairs of groups that are explained, bool (l, l); None for all."""
    _parts: dict[int, Cells] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: it makes the cells of a part by itself."""
        return {**self.__dict__, "_parts": {}}

    @property
    def bounds(self) -> Bounds | None:
        """Within which a translation leaves each gene; None: x + δ."""
        return bounds_of(self.clip, self.low, self.high)

    @property
    def n_asked(self) -> int | None:
        """Ordered pairs asked for; None for all."""
        return None if self.asked is None else int(self.asked.sum())

    def rows(self, part: int | None, most: int | None = None) -> np.ndarray:
        """Row numbers of the cells of a part, or of all parts, group after group; at most ``most`` per group."""
        bound = np.full(self.groups.n, len(self.order) if most is None else most)
        if part == REPORT and self.most_reported is not None:
            bound = np.minimum(bound, self.most_reported)
        if part is not None and not (self.split == part).any():  # no split: every cell serves for everything
            part = FIT
        wanted = self.split >= 0 if part is None else self.split == part
        return _sampled(self.groups, wanted, self.order, bound, self.seed)

    def cells(self, rows: np.ndarray) -> Cells:
        """Cells given by row numbers that are sorted by group.

        Raises
        ------
        ValueError
            If they are not: cells would count for another group.
        """
        codes = self.groups.codes[rows]
        if (np.diff(codes) < 0).any():
            raise ValueError("rows must be sorted by group")
        sizes = np.bincount(codes, minlength=self.groups.n)
        tail = self.encoder.tail_as(torch.float32, self.device)
        if self.hidden is None or self.encoder.W is None:
            inputs = dense_rows(arrays.csr_rows(self.X, rows), self.device)
            translator = Translator(inputs, None, bounds=self.bounds)
        else:
            fetch = _fetcher(self.X, rows, self.device)
            mapped = torch.from_numpy(self.hidden[rows]).to(self.device)
            columns = CachedColumns(fetch, len(self.genes))
            translator = Translator(mapped, self.encoder.W.to(self.device), columns, self.bounds)
        return Cells(translator, tail, sizes, self.encoder.n_hidden, self.encoder.name)

    def part(self, part: int) -> Cells:
        """Cells that fit, select or are reported; made once, with what was looked up of them."""
        if part not in self._parts:
            self._parts[part] = self.cells(self.rows(part, MOST_CELLS[part]))
        return self._parts[part]


def _sampled(groups: Groups, wanted: np.ndarray, order: np.ndarray, bound: np.ndarray, seed: int) -> np.ndarray:
    """The rows wanted, group after group, in their order; at most ``bound`` (l,) of each group, drawn."""
    draws = np.random.default_rng([seed, 7]).random(len(order))
    chosen = []
    for group in range(groups.n):
        mine = order[(groups.codes[order] == group) & wanted[order]]
        if len(mine) > bound[group]:
            keep = np.sort(np.argsort(draws[: len(mine)], kind="stable")[: bound[group]])
            mine = mine[keep]
        chosen.append(mine)
    return np.concatenate(chosen)


def _fetcher(X: Any, rows: np.ndarray, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    cells = arrays.SomeRows(X, rows)

    def fetch(genes: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(cells.columns(genes.numpy())).to(device)

    return fetch


def canonical_order(adata: AnnData) -> np.ndarray:
    """Rows sorted by the cells' names: results do not depend on the arrangement of the cells."""
    return np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable")


def prepare(
    adata: AnnData,
    groupby: str | Sequence[str],
    *,
    use_rep: str | None,
    encoder: Any,
    layer: str | None,
    groups: Any = "all",
    reference: Any = None,
    pairs: Any = "all",
    validation_fraction: float = 0.25,
    split_by: str | None = None,
    min_cells: int = 3,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    clip: str = "none",
    nonnegative: bool = False,
) -> Prepared:
    """Check the input, resolve the encoder, split the cells and read X once (twice if it is not in memory)."""
    found = read_groups(adata, groupby, groups=groups, min_cells=min_cells, reference=reference)
    asked = asked_pairs(adata, found, pairs)
    X, genes = get_matrix(adata, layer), gene_names(adata)
    name = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    arrays.check_matrix(X, name, found.codes >= 0)
    if clip == "zero":
        refuse_negative(X, name, "clip='zero'")
    if nonnegative:
        refuse_negative(X, name, "nonnegative=True")
    warn_if_counts(X, name)
    warn_if_scaled(adata, layer)
    where = resolve_device(device)
    seed = _params.seed_of(rng)
    order = canonical_order(adata)
    donors: dict[str, int] = {}
    if split_by is None:
        split = np.empty(len(order), dtype=np.int8)
        split[order] = split_cells(found.codes[order], found.n, validation_fraction, seed, found.names)
    else:
        found, split, donors = _by_donor(adata, found, split_by, validation_fraction, min_cells, seed)
    if use_rep is None and encoder is None:
        encoder = _scvis(adata, X, genes, layer, order[split[order] == FIT], seed, where)
    r = resolve(adata, use_rep=use_rep, encoder=encoder, layer=layer, rng=seed, device=device, parts=split)
    prepared = read(adata, X, genes, found, r.align(genes), split, device=where, seed=seed, clip=clip)
    return replace(prepared, donors=donors, base=log_base(adata, layer), asked=asked)


def _by_donor(
    adata: AnnData, found: Groups, split_by: str, fraction: float, min_cells: int, seed: int
) -> tuple[Groups, np.ndarray, dict[str, int]]:
    """Groups without the cells that have no donor, the part of every cell, and that of every donor."""
    names, donor = read_labels(adata, split_by, "split_by")
    lost = int(((found.codes >= 0) & (donor < 0)).sum())
    if lost:
        logger.warning("%d cells have no label in obs[%r] and take no part", lost, split_by)
    codes = np.where(donor >= 0, found.codes, -1)
    table = np.zeros((len(names), found.n), dtype=np.int64)
    np.add.at(table, (donor[codes >= 0], codes[codes >= 0]), 1)
    there = np.flatnonzero(table.any(axis=1))
    groups = [str(name) for name in found.names]
    chosen = split_donors(
        table[there], groups, names[there].tolist(), fraction, min_cells=min_cells, split_by=split_by, rng=seed
    )
    parts = dict(zip(map(str, names[there]), chosen.tolist(), strict=True))
    part = np.full(len(names) + 1, -1, dtype=np.int8)
    part[there] = chosen
    by_part = [[name for name, own in parts.items() if own == number] for number in (FIT, VALIDATE, REPORT)]
    logger.info("donors that fit: %s; select: %s; are reported: %s", *map(listing, by_part))
    return replace(found, codes=codes), np.where(codes >= 0, part[donor], np.int8(-1)), parts


def refuse_negative(X: Any, name: str, argument: str) -> None:
    """Raise if X has values below zero, where zero is no bound of what a cell can be.

    Raises
    ------
    ValueError
        Naming the argument that bounds at zero.
    """
    lowest = arrays.lowest(X)
    if lowest < 0:
        raise ValueError(
            f"{argument}, but {name} has values below zero (down to {lowest:.3g}, as after centring, scaling or CLR): "
            "expected clip='range', which keeps each gene within its own observed range, or a matrix without them"
        )


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
    clip: str,
    most_reported: np.ndarray | None = None,
) -> Prepared:
    """Hidden values of all cells, means and range of the fitting cells, in one read of X."""
    order, n = canonical_order(adata), found.n
    codes = np.where(split == FIT, found.codes, -1)
    bound = np.minimum(MOST_CELLS[REPORT], len(order) if most_reported is None else most_reported)
    reported = _sampled(found, split == REPORT, order, np.broadcast_to(bound, n), seed)
    codes[reported] = n + found.codes[reported]
    sizes = np.bincount(codes[codes >= 0], minlength=2 * n)[:, None]
    hidden, extremes = None, Extremes(len(genes), n)
    if encoder.W is None or encoder.b is None:
        sums = arrays.group_sums(X, codes, 2 * n, device=device, extremes=extremes)
    else:
        W, b = encoder.W.numpy(), encoder.b.numpy()
        hidden, sums = arrays.project_and_sum(X, W, b, codes, 2 * n, device=device, extremes=extremes)
    means = sums / np.maximum(sizes, 1)
    low, high = extremes.range()
    return Prepared(
        adata.obs_names.to_numpy(),
        X,
        found,
        genes,
        encoder,
        split,
        means[:n],
        hidden,
        order,
        device,
        seed,
        low,
        high,
        reported_means=means[n:] if len(reported) else means[:n],
        clip=clip,
        most_reported=most_reported,
    )


def pick_epsilon(prepared: Prepared, epsilon: float | str | None) -> float:
    """ε given as a number, or by rule over the groups' self-similarity: "mean" (default) or "max".

    It is the resolution of the map, so the cells of all parts give it.
    """
    if epsilon is not None and not isinstance(epsilon, str):
        return float(epsilon)
    cells = prepared.cells(prepared.rows(None, MOST_NEIGHBOURS))
    return epsilon_from(cells.embedded, "mean" if epsilon is None else epsilon)


def with_means_of(prepared: Prepared, rows: np.ndarray) -> Prepared:
    """The same cells, with the groups' means over some rows, a row counted as often as it is named."""
    n_groups, codes = prepared.groups.n, prepared.groups.codes[rows]
    sums = arrays.group_sums(arrays.csr_rows(prepared.X, rows), codes, n_groups)
    return replace(prepared, means=sums / np.bincount(codes, minlength=n_groups)[:, None])
