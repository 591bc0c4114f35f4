"""The map that plots are drawn on: where cells are, and where the encoder places them once translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.adata import basis_key, coordinates, gene_names, gene_places, get_matrix, log_base
from scgce._api.columns import stored_key
from scgce._api.errors import not_found
from scgce._api.groups import group_codes
from scgce._api.warn import warn
from scgce.core.choose.truncate import SparseDelta
from scgce.core.score.columns import sparse_columns
from scgce.core.score.translator import Bounds, Translator
from scgce.core.score.translator import bounds_of as translator_bounds
from scgce.encoders import Encoder, encoder_from_uns
from scgce.explain.units import check_units
from scgce.matrix.arrays import csr_rows
from scgce.store.cells import REPORT, cell_facts
from scgce.store.result import Result

Points = NDArray[np.float64]


@dataclass(frozen=True)
class CellMap:
    """Two-dimensional places of cells.

    ``basis`` is the key of ``obsm`` that is shown, ``encoder`` maps cells to it and reads the genes of the AnnData in
    their order; it is None, and ``reason`` says why, if translated cells cannot be placed.
    """

    basis: str
    encoder: Encoder | None
    reason: str

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        name = self.basis.removeprefix("X_")
        name = name.upper() if len(name) <= 4 else name
        # a student's places are near those of the map it was distilled from, not the same
        student = " (student)" if self.encoder is not None and self.encoder.name.startswith("student of") else ""
        return f"{name} 1{student}", f"{name} 2{student}"

    def observed(self, adata: AnnData, rows: NDArray[np.int64], layer: str | None) -> Points:
        """Places of some cells, shape (rows, 2): as the encoder sees them, or from ``obsm`` without encoder.

        NaN for a cell that has none.
        """
        if self.encoder is None:
            return flat(coordinates(adata, self.basis)[rows])
        cells = csr_rows(get_matrix(adata, layer), rows)
        known = np.asarray(np.isfinite(cells.sum(axis=1))).ravel()  # NaN in cells that took no part
        if known.all():
            return flat(self.encoder(cells))
        places = np.full((len(rows), self.encoder.n_dims), np.nan)
        places[known] = self.encoder(cells[known])
        return flat(places)

    def translated(
        self, adata: AnnData, rows: NDArray[np.int64], delta: pd.Series, layer: str | None, bounds: Bounds | None = None
    ) -> Points:
        """Places of some cells after a translation, shape (rows, 2); see :meth:`embedded`."""
        return flat(self.embedded(adata, rows, delta, layer, bounds))

    def embedded(
        self, adata: AnnData, rows: NDArray[np.int64], delta: pd.Series, layer: str | None, bounds: Bounds | None = None
    ) -> NDArray[np.float32]:
        """All coordinates of some cells after a translation, shape (rows, m).

        ``delta`` is indexed by gene and may be empty. Genes that ``adata`` no longer has are ignored: the encoder
        would not exist if it read them. ``bounds`` are those of the genes of ``adata``.
        """
        translator, encoder = self.translator(adata, rows, layer, bounds)
        columns = gene_places(adata, delta.index)
        order = np.argsort(columns[columns >= 0])
        genes = torch.from_numpy(columns[columns >= 0][order].astype(np.int64))
        amounts = torch.from_numpy(delta.to_numpy(np.float32)[columns >= 0][order])
        moved = translator.translate(slice(None), SparseDelta(genes, amounts))
        return encoder.embed_hidden(moved.numpy())

    def translator(
        self, adata: AnnData, rows: NDArray[np.int64], layer: str | None, bounds: Bounds | None
    ) -> tuple[Translator, Encoder]:
        """Some cells as the encoder's first layer sees them under any translation, and the encoder."""
        if self.encoder is None:
            raise ValueError(f"translated cells cannot be placed in {self.basis!r}: {self.reason}")
        cells = csr_rows(get_matrix(adata, layer), rows)
        hidden = torch.from_numpy(self.encoder.hidden(cells))
        return Translator(hidden, self.encoder.W, sparse_columns(cells), bounds), self.encoder


def flat(points: Any) -> Points:
    """Put points of any dimension into two: the first two coordinates, or a line at 0 for one."""
    table = np.asarray(points, dtype=np.float64)
    if table.ndim == 1 or table.shape[1] == 1:
        return np.column_stack([table.reshape(-1), np.zeros(len(table))])
    return table[:, :2]


def cell_map(adata: AnnData, result: Result | None = None, basis: str | None = None) -> CellMap:
    """Choose the map and the encoder that belongs to it.

    Parameters
    ----------
    adata
        Annotated data.
    result
        The explanation shown, if any.
    basis
        Key of ``obsm``; ``X_`` may be left out. None takes the explained representation if it has two dimensions,
        else ``X_umap`` if present, else the first two dimensions of the explained representation.

    Raises
    ------
    KeyError
        If the basis is not in ``obsm`` (what is there is named).
    """
    explained = representation(adata, result)
    own = None if result is None else result.raw.get("encoder")
    if basis is None:
        basis = _default_basis(adata, explained, own)
    elif not (basis == explained and own is not None):
        basis = _present(adata, basis)
    stored = own if basis == explained else _encoder_of(adata, basis)
    if stored is None:
        return CellMap(basis, None, f"no encoder of {basis} is stored;\nscgce.tl.distill(adata, {basis!r}) fits one")
    try:
        return CellMap(basis, encoder_from_uns(stored).align(gene_names(adata)), "")
    except ValueError as error:
        if basis not in adata.obsm:
            raise
        return CellMap(basis, None, str(error))


@dataclass(frozen=True)
class ExplainedCells:
    """The cells of an AnnData as a result knows them.

    ``codes`` (n,): row of the group in which each cell was explained, of a new cell the group it is in; −1 for none.
    ``reported`` (n,): whether the cell neither fitted nor selected the explanation; all of them without such a split.
    """

    codes: NDArray[np.int64]
    reported: NDArray[np.bool_]

    def has(self, group: int) -> bool:
        """Whether a group has reported cells."""
        return bool(((self.codes == group) & self.reported).any())

    def rows(self, group: int, name: Any) -> NDArray[np.int64]:
        """Reported cells of a group.

        Raises
        ------
        ValueError
            If there is none.
        """
        found = np.flatnonzero((self.codes == group) & self.reported)
        if not len(found):
            raise ValueError(f"no cell of {str(name)!r} in adata took no part in fitting and selecting the explanation")
        return found


def explained_cells(adata: AnnData, result: Result) -> ExplainedCells:
    """Groups and parts of the cells, by their names; warns where labels have changed since they were explained."""
    codes = group_codes(adata, stored_key(adata, result.params), result.groups)
    _compare(adata, result, codes)
    facts = cell_facts(result.raw, adata.obs_names)
    if facts is None:
        return ExplainedCells(codes, np.ones(adata.n_obs, dtype=bool))
    split = bool((np.asarray(result.raw["split"]) == REPORT).any())
    reported = facts.held_out if split else np.ones(adata.n_obs, dtype=bool)
    if facts.by_name:
        changed = facts.relabelled(codes)
        if changed:
            warn(
                f"obs[{result.groupby!r}] gives {changed} of the explained cells other labels than they had; they are "
                "shown in the groups in which they were explained"
            )
        codes = facts.groups(codes)
    return ExplainedCells(codes, reported)


def _compare(adata: AnnData, result: Result, codes: NDArray[np.int64]) -> None:
    """Warn if the matrix is in other units than it was when it was explained."""
    layer = layer_of(result, adata)
    name = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    there = gene_places(adata, result.genes)
    known: dict[str, Any] = {"stored": result.raw.get("units"), "base": log_base(adata, layer)}
    check_units(get_matrix(adata, layer), codes, result.means, there, name, refuse=False, **known)


def layer_of(result: Result, adata: AnnData) -> str | None:
    """Layer that was explained, None for ``adata.X``."""
    name = str(result.params.get("layer", ""))
    return name if name in adata.layers or name.startswith("log1p(") else None


def bounds_of(result: Result, adata: AnnData) -> Bounds | None:
    """Within which the explanation leaves the genes of ``adata``; None if it adds its amounts whatever comes out."""
    place = pd.Index(result.genes).get_indexer(adata.var_names.astype(str))
    lows, highs = result.limits
    low, high = np.where(place >= 0, lows[place], -np.inf), np.where(place >= 0, highs[place], np.inf)
    return translator_bounds(str(result.params.get("clip", "none")), low, high)


def sample(rows: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most so many of the rows, in their order."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def representation(adata: AnnData, result: Result | None) -> str:
    """Key of ``obsm`` of the explained representation, or the name it goes by if it is not there."""
    name = "" if result is None else str(result.params.get("use_rep", ""))
    for key in (name, f"X_{name}", name.removeprefix("X_")):
        if key in adata.obsm:
            return key
    return name or "r"


def _default_basis(adata: AnnData, explained: str, own: Any) -> str:
    if isinstance(own, Mapping) and str(own.get("n_dims", 0)) in ("0", "1", "2"):
        return explained
    if explained in adata.obsm and np.shape(adata.obsm[explained])[1] <= 2:
        return explained
    if "X_umap" in adata.obsm:
        return "X_umap"
    if explained in adata.obsm or own is not None:
        return explained
    raise not_found("basis", None, "adata.obsm", adata.obsm, hint="; name the map to draw on")


def _present(adata: AnnData, basis: str) -> str:
    try:
        return basis_key(adata, basis)
    except KeyError:
        raise not_found("basis", basis, "adata.obsm", adata.obsm) from None


def _encoder_of(adata: AnnData, basis: str) -> Any:
    """An encoder of the basis stored by an embedding tool or by another explanation, or None."""
    for key, entry in adata.uns.items():
        if isinstance(entry, Mapping) and isinstance(entry.get("encoder"), Mapping):
            # An explanation names the representation it explains; an embedding is stored under its own name.
            named = str(dict(entry["params"]).get("use_rep", key)) if "deltas" in entry else key
            if basis in (named, f"X_{named}", named.removesuffix("_student")):
                return entry["encoder"]
    return None
