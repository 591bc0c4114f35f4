"""A stored explanation made again as it was, from other fitting cells: what bootstraps and donors left out repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from anndata import AnnData

from scgce._api.adata import gene_costs as read_costs
from scgce._api.adata import gene_mask
from scgce.core.choose.select import METHODS, Explained

from .choose import explanations
from .fit import Model
from .programs import Setting, explained_in_programs, learned_again
from .read import MOST_CELLS, Prepared, with_means_of
from .split import FIT, VALIDATE


def check_repeatable(entry: Mapping[str, Any], key: str) -> None:
    """Refuse what is no result of `tl.tgt`.

    Raises
    ------
    ValueError
        If it is a baseline, or of lineages, which are averages of an explanation and never were explained themselves.
    """
    params = entry["params"]
    if params.get("lineages_of"):
        raise ValueError(
            f"key={key!r} holds averages over lineages, which cannot be repeated; expected the result that they were "
            f"made of (key={str(params['lineages_of'])!r})"
        )
    if params["method"] not in (*METHODS, "programs"):
        raise ValueError(
            f"key={key!r} was made by {params['method']!r}: it cannot be repeated; expected a result of tl.tgt"
        )


def model_of(adata: AnnData, entry: dict[str, Any], mask_var: Any = None, gene_costs: Any = None) -> Model:
    """What was minimised, as stored; costs and mask as given, where they are."""
    params = entry["params"]
    costs = np.where(gene_mask(adata, mask_var), read_costs(adata, gene_costs), np.inf)
    if mask_var is None and gene_costs is None and "gene_costs" in entry:
        known = dict(zip(entry["genes"], np.asarray(entry["gene_costs"], dtype=np.float64), strict=True))
        costs = np.array([known.get(str(gene), np.inf) for gene in adata.var_names])
    return Model(
        costs,
        None if params["amplitude"] < 0 else float(params["amplitude"]),
        float(params.get("penalty", 1.0)),
        np.asarray(entry["lam"]).tolist() if "lam" in entry else None,
        nonnegative=bool(params.get("nonnegative", False)),
    )


@dataclass(frozen=True)
class Again:
    """One number of genes or programmes of a stored explanation, to be explained once more."""

    entry: dict[str, Any]
    model: Model
    k: int

    @classmethod
    def of(cls, adata: AnnData, entry: dict[str, Any], k: int, key: str) -> Again:
        """Of a result of `tl.tgt`.

        Raises
        ------
        ValueError
            If it is a baseline, or lacks groups of its own.
        """
        check_repeatable(entry, key)
        return cls(entry, model_of(adata, entry), k)

    @property
    def sparsities(self) -> list[int]:
        """Refinement descends from richer sparsities to sparser ones: those above k are repeated too."""
        return [int(size) for size in np.asarray(self.entry["sweep"]["sparsity"]) if size >= self.k]

    def in_genes(self, prepared: Prepared, rows: np.ndarray, epsilon: float, seed: int) -> Explained:
        """The whole procedure with these fitting cells; the validation cells are those of ``prepared``."""
        own = with_means_of(prepared, rows)
        how: dict[str, Any] = {"epsilon": epsilon, "seed": seed}
        parts = own.cells(rows), own.part(VALIDATE)
        methods = [str(self.entry["params"]["method"])]
        (chosen,), _ = explanations(own, self.model, *parts, self.sparsities, methods, **how)
        return chosen[0]

    def from_parts(self, prepared: Prepared, seed: int) -> Explained:
        """The whole procedure with the parts that ``prepared`` has; programmes that were learned are learned again."""
        epsilon, rows = float(self.entry["epsilon"]), prepared.rows(FIT, MOST_CELLS[FIT])
        if "programs" not in self.entry:
            return self.in_genes(prepared, rows, epsilon, seed)
        own = replace(with_means_of(prepared, rows), seed=seed)
        setting = Setting.of(own, epsilon, str(self.entry["params"].get("count", "mean")))
        programs = learned_again(setting, self.entry, np.isfinite(self.model.costs))
        return explained_in_programs(setting, programs, [min(self.k, programs.n)])[0]
