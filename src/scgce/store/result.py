"""A stored result, read and checked: the only place of ``get`` and ``pl`` that knows the layout of ``uns[key]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.columns import group_name
from scgce._api.errors import listing, not_found
from scgce.core.pairs import listed, mask_of
from scgce.core.score.agree import disagreeing

from .cuts import Cuts, largest
from .entries import read_result
from .layout import Fields


def _strings(values: Any) -> NDArray[np.object_]:
    return np.array([str(value) for value in np.asarray(values).ravel()], dtype=object)


def _consistent(raw: Mapping[str, Any], key: str) -> Fields:
    """The entry as ``method="refine_consistent"`` would have stored it, of what the sweep has."""
    sweep, where = raw.get("sweep", {}), f"adata.uns[{key!r}]"
    if "deltas_consistent" not in sweep:
        raise ValueError(
            f"consistent=True: no consistent variant is stored in {where}; expected a result of "
            "scgce.tl.tgt with method='refine', 'refine_consistent' or 'path'"
        )
    own = {name.removeprefix("consistent_"): sweep[name] for name in sweep if name.startswith("consistent_")}
    own["deltas"] = sweep["deltas_consistent"]
    size, selected = len(raw["groups"]), int(raw["params"]["sparsity_selected"])
    start = int(np.flatnonzero(np.asarray(sweep["sparsity"]) == selected)[0]) * size
    if "changes_consistent" in sweep:
        own["changes"] = sweep["changes_consistent"]
    left_out = {"percent_explained", "n_genes", *own}
    entry = {
        **{name: value for name, value in raw.items() if name not in left_out},
        "params": Fields({**raw["params"], "pair_cut": False, "method": "refine_consistent"}, f"{where}['params']"),
        "deltas": own["deltas"].tocsr()[start : start + size].toarray(),
        "sweep": Fields({"sparsity": sweep["sparsity"], **own}, f"{where}['sweep']"),
    }
    return Fields(entry, where)


@dataclass(frozen=True)
class Result:
    """What a tool of scgce stored: l groups, d genes.

    Group and gene names are values of arrays and are always looked up by name, so that an AnnData whose genes were
    subset or reordered afterwards reads the same.
    """

    key: str
    params: Mapping[str, Any]
    groups: NDArray[np.object_]
    genes: NDArray[np.object_]
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, adata: AnnData, key: str, *, consistent: bool = False) -> Result:
        """Read ``adata.uns[key]``; of a refined result, the variant without triangle error if asked for.

        Raises
        ------
        KeyError
            If there is nothing under ``key``.
        ValueError
            If it is not a complete result of scgce, or has no consistent variant.
        """
        raw: Mapping[str, Any] = read_result(adata, key)
        if consistent and (raw["params"].get("pair_cut", False) or "pair_deltas" in raw):
            raw = _consistent(raw, key)
        return cls(key, raw["params"], _strings(raw["groups"]), _strings(raw["genes"]), raw)

    @property
    def groupby(self) -> str:
        """Column of ``obs`` that was explained."""
        return str(self.params["groupby"])

    @property
    def selected(self) -> int:
        """Genes per pair that the tool selected; d stands for no cut."""
        return int(self.params.get("sparsity_selected", len(self.genes)))

    @property
    def pair_cut(self) -> bool:
        """Whether a reported explanation keeps only the largest k changes of the difference of two rows."""
        return bool(self.params.get("pair_cut", False))

    @property
    def pair_by_pair(self) -> bool:
        """Whether every pair was explained on its own, so that no basis holds the explanations."""
        return "pair_deltas" in self.raw

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Cells of each group, shape (l,)."""
        return np.asarray(self.raw.get("sizes", np.ones(len(self.groups))), dtype=np.int64)

    @property
    def means(self) -> NDArray[np.float64]:
        """Mean expression of each group, shape (l, d)."""
        return np.asarray(self.raw["means"], dtype=np.float64)

    @property
    def limits(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lowest and highest value that a translation leaves each gene, shape (d,) each; −inf and inf if not stored."""
        nothing = np.full(len(self.genes), np.inf, np.float32)
        low, high = self.raw.get("low", -nothing), self.raw.get("high", nothing)
        return np.asarray(low, np.float32), np.asarray(high, np.float32)

    @property
    def epsilon(self) -> float:
        """Distance within which two points of the representation count as the same; NaN if not stored."""
        return float(self.raw.get("epsilon", np.nan))

    @property
    def sparsities(self) -> NDArray[np.int64]:
        """Genes per pair that can be asked for, shape (K,)."""
        sweep = self.raw.get("sweep", {})
        return np.asarray(sweep.get("sparsity", [self.selected]), dtype=np.int64)

    @property
    def swept(self) -> list[int]:
        """Every number of genes per pair that can be read, ascending."""
        return sorted({self.selected, *self.sparsities.tolist()})

    def group(self, name: Any, argument: str) -> int:
        """Row of a group, given by its name or by its labels in the columns that were joined.

        ``argument`` is the name of the caller's argument, for the error.
        """
        rows = np.flatnonzero(self.groups == group_name(name, self.groupby, argument, self.groups))
        if len(rows) == 0:
            raise not_found(argument, name, f"the groups of {self.groupby!r}", self.groups)
        return int(rows[0])

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Ordered pairs that were explained (l, l)."""
        given = self.raw.get("asked")
        return mask_of(len(self.groups), None if given is None else np.asarray(given, dtype=bool))

    @property
    def ordered_pairs(self) -> list[tuple[int, int]]:
        """Rows of every ordered pair that was explained, source by source."""
        return listed(len(self.groups), self.asked)

    def pair(self, source: Any, target: Any) -> tuple[int, int]:
        """Rows of two different groups whose pair was explained."""
        i, j = self.group(source, "source"), self.group(target, "target")
        if i == j:
            raise ValueError(f"source and target are both {source!r}; choose two different groups")
        if not self.asked[i, j]:
            there = [str(self.groups[other]) for other in np.flatnonzero(self.asked[i])]
            raise ValueError(
                f"source={source!r} and target={target!r} were not explained (pairs={self.params.get('pairs')!r}); "
                f"from {str(self.groups[i])!r} there are: {listing(there)}"
            )
        return i, j

    def names(self, source: Any, target: Any) -> tuple[str, str]:
        """Names of two different groups, given by name or by labels."""
        i, j = self.pair(source, target)
        return str(self.groups[i]), str(self.groups[j])

    def check_sparsity(self, sparsity: int | None) -> int:
        """Genes per pair: the selected number for None, else one that was computed."""
        if sparsity is None:
            return self.selected
        if int(sparsity) not in self.swept:
            raise not_found("sparsity", sparsity, f"the sparsities computed for key={self.key!r}", self.swept)
        return int(sparsity)

    def block(self, sparsity: int) -> int:
        """Position of a sparsity in the sweep."""
        return int(np.flatnonzero(self.sparsities == sparsity)[0])

    def basis(self, sparsity: int | None = None) -> NDArray[np.float32]:
        """Basis translations as stored, shape (l, d)."""
        k = self.check_sparsity(sparsity)
        if k == self.selected:
            return np.asarray(self.raw["deltas"], dtype=np.float32)
        size = len(self.groups)
        start = self.block(k) * size
        return np.asarray(self.raw["sweep"]["deltas"][start : start + size].toarray(), dtype=np.float32)

    def delta(self, i: int, j: int, sparsity: int | None = None) -> NDArray[np.float32]:
        """Return the reported translation from row i to row j, shape (d,): exact zeros outside the explanation."""
        k = self.check_sparsity(sparsity)
        given = self._pair_deltas(k)
        if given is not None:
            return np.asarray(given[i * len(self.groups) + j].toarray(), dtype=np.float32).ravel()
        basis = self.basis(k)
        return self.cut(basis[j] - basis[i], k)

    def cut(self, delta: NDArray[np.float32], sparsity: int) -> NDArray[np.float32]:
        """Keep the k largest changes of each row if the result reports pairs that way."""
        if not self.pair_cut or sparsity >= len(self.genes):
            return delta
        return largest(delta, sparsity)

    @property
    def clip(self) -> str:
        """How far translated cells may go: "range", "zero" or "none"."""
        return str(self.params.get("clip", "none"))

    def changes(self, i: int, j: int, genes: NDArray[np.int64], sparsity: int) -> NDArray[np.float64]:
        """Mean of t(x) − x over the reported cells of row i under i → j, of some genes; NaN where it is not stored.

        Without bounds the change is the amount itself.
        """
        if self.clip == "none":
            return np.asarray(self.delta(i, j, sparsity)[genes], np.float64)
        sweep, size = self.raw.get("sweep", {}), len(self.groups)
        if "changes" not in sweep or sparsity not in self.sparsities or not self.is_scored(i, j, sparsity):
            return np.full(len(genes), np.nan)
        row = self.block(sparsity) * size**2 + i * size + j
        return np.asarray(sweep["changes"][row].toarray(), np.float64).ravel()[genes]

    def is_scored(self, i: int, j: int, sparsity: int) -> bool:
        """Whether i → j was scored at a sparsity: of many groups, all pairs are at the selected one, some at others."""
        return bool(np.isfinite(self.scores("correctness", sparsity)[i, j]))

    def means_after(self, i: int, genes: NDArray[np.int64], changes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of some genes over the reported cells of row i once changed; NaN where their means are not stored."""
        if "reported_means" not in self.raw:
            return np.full(len(genes), np.nan)
        before = np.asarray(self.raw["reported_means"][i], np.float64)[genes]
        if self.clip == "none":
            return before + changes
        # a mean of values within the bounds; a rounded sum may lie a hair outside
        low, high = (
            self.limits if self.clip == "range" else (np.zeros(len(self.genes)), np.full(len(self.genes), np.inf))
        )
        return np.where(changes == 0, before, np.clip(before + changes, low[genes], high[genes]))

    def pair_cuts(self, sparsity: int) -> Cuts:
        """Return the reported translations of all ordered pairs as (genes, values), computed once."""
        given = self._pair_deltas(sparsity)
        if given is not None:
            return Cuts.of_rows(given, len(self.groups))
        return Cuts.of_basis(self.basis(sparsity), sparsity if self.pair_cut else None)

    def _pair_deltas(self, sparsity: int) -> Any:
        """CSR (l·l, d) of an explanation made pair by pair, row i·l + j for i → j; None if it has a basis."""
        if not self.pair_by_pair:
            return None
        if sparsity == self.selected:
            return self.raw["pair_deltas"].tocsr()
        size = len(self.groups) ** 2
        start = self.block(sparsity) * size
        return self.raw["sweep"]["pair_deltas"].tocsr()[start : start + size]

    @property
    def judges(self) -> list[str]:
        """Names of the scores by independent judges: the two standard ones, then any other that was stored."""
        names = [name for name in {**self.raw.get("sweep", {}), **self.raw} if name.startswith("judge_")]
        return list(dict.fromkeys(["judge_logreg", "judge_knn", *sorted(names)]))

    def n_genes(self, sparsity: int) -> NDArray[np.int64]:
        """Genes in the explanation of each ordered pair, shape (l, l)."""
        if sparsity == self.selected and "n_genes" in self.raw:
            return np.asarray(self.raw["n_genes"], dtype=np.int64)
        return self.pair_cuts(sparsity).n_active()

    def ceiling(self, score: str, sparsity: int) -> NDArray[np.float64]:
        """What each group's real reported cells reach in a score (l,).

        Of a judge's that is its accuracy, of the correctness the self-similarity: the share with another one within ε.
        """
        return np.diagonal(self.scores(score, sparsity)).copy()

    def disagreements(self, sparsity: int) -> list[tuple[int, int, float, float]]:
        """Pairs (i, j) that the map counts as explained and the judges do not, with what each says, worst first."""
        judged = [self.scores(name, sparsity) for name in self.judges]
        return disagreeing(self.scores("correctness", sparsity), judged)

    def scores(self, name: str, sparsity: int) -> NDArray[np.float64]:
        """Return a stored (l, l) metric, NaN where it was not computed at this sparsity."""
        sweep = self.raw.get("sweep", {})
        if sparsity == self.selected and name in self.raw:
            return np.asarray(self.raw[name], dtype=np.float64)
        if name in sweep and sparsity in self.sparsities:
            return np.asarray(sweep[name][self.block(sparsity)], dtype=np.float64)
        return np.full((len(self.groups),) * 2, np.nan)
