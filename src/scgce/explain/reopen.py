"""Open a stored explanation again: its cells, its encoder, its translations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from anndata import AnnData

from scgce._api.adata import gene_names, get_matrix
from scgce._api.groups import Groups, read_groups
from scgce.core.choose.select import Explained
from scgce.core.score.metrics import Scores
from scgce.core.translations import Translations
from scgce.encoders import resolve
from scgce.matrix import arrays

from .pairs import from_rows, pair_explained
from .read import Prepared, read
from .split import REPORT


def reopen(
    adata: AnnData,
    entry: dict[str, Any],
    groupby: str | None,
    layer: str | None,
    encoder: Any,
    *,
    min_cells: int,
    seed: int,
    device: torch.device,
    same_cells: bool = True,
) -> Prepared:
    """The cells of the explanation's groups; the stored split if they are the cells that were explained.

    Raises
    ------
    ValueError
        If they are said to be those cells and their number is another.
    """
    params = entry["params"]
    layer = layer or params["layer"] or None
    found = _same_order(read_groups(adata, groupby or params["groupby"], min_cells=min_cells), entry["groups"])
    X, genes = get_matrix(adata, layer), gene_names(adata)
    arrays.check_matrix(X, "adata.X" if layer is None else f"adata.layers[{layer!r}]")
    r = resolve(adata, use_rep=None, encoder=encoder, layer=layer, rng=seed, device=str(device)).align(genes)
    split = np.asarray(entry.get("split", ()))
    if same_cells and groupby is None and len(split) != adata.n_obs:
        raise ValueError(
            f"adata has {adata.n_obs} cells and the explanation was made on {len(split)}, so it is not known which of "
            "them fitted it; give the AnnData on which it was made (tl.evaluate: as reference=, for other cells)"
        )
    if not same_cells or groupby is not None:
        split = np.where(found.codes >= 0, REPORT, -1).astype(np.int8)
    return read(adata, X, genes, found, r, split, device=device, seed=seed)


def _same_order(found: Groups, names: np.ndarray) -> Groups:
    """The explanation's groups that have cells, in its order."""
    place = {name: index for index, name in enumerate(found.names)}
    kept = [name for name in names if name in place]
    if len(kept) < 2:
        raise ValueError(
            f"groupby={found.key!r} has {len(kept)} of the explanation's groups ({', '.join(names)}); at least two "
            "are needed"
        )
    recode = np.full(found.n + 1, -1, dtype=np.int64)
    recode[[place[name] for name in kept]] = np.arange(len(kept))
    return Groups(found.key, np.array(kept, dtype=object), recode[found.codes])


def _columns(entry: dict[str, Any], genes: np.ndarray) -> np.ndarray:
    """Position of every stored gene in ``genes``, -1 if it is not there."""
    place = {name: index for index, name in enumerate(genes)}
    return np.array([place.get(name, -1) for name in entry["genes"]])


def _rows(entry: dict[str, Any], scored: Prepared) -> list[int]:
    return [list(entry["groups"]).index(name) for name in scored.groups.names]


def with_stored_means(scored: Prepared, entry: dict[str, Any]) -> Prepared:
    """The means that were explained, so that the difference of means is the one that was learned."""
    columns = _columns(entry, scored.genes)
    means = scored.means.copy()
    means[:, columns[columns >= 0]] = np.asarray(entry["means"])[_rows(entry, scored)][:, columns >= 0]
    return replace(scored, means=means)


def stored_explanations(entry: dict[str, Any], scored: Prepared) -> list[Explained]:
    """Every stored sparsity, on the genes of the AnnData."""
    n_stored, rows = len(entry["groups"]), _rows(entry, scored)
    columns = _columns(entry, scored.genes)
    sweep = entry["sweep"]
    nothing = np.full((len(rows), len(rows)), np.nan)
    unknown = Scores(nothing, nothing)
    explained: list[Explained] = []
    for index, k in enumerate(np.asarray(sweep["sparsity"]).tolist()):
        lam = float(np.asarray(sweep["lam"])[index])
        if "pair_deltas" in sweep:
            square = sweep["pair_deltas"][index * n_stored**2 : (index + 1) * n_stored**2]
            square = square[[i * n_stored + j for i in rows for j in rows]]
            _check_there(entry, columns, np.bincount(square.indices, minlength=len(columns)) > 0)
            explained.append(pair_explained(int(k), lam, from_rows(square, columns, len(scored.genes)), unknown))
            continue
        block = sweep["deltas"][index * n_stored : (index + 1) * n_stored].toarray()[rows]
        _check_there(entry, columns, (block != block[:1]).any(0))
        dense = torch.zeros(len(rows), len(scored.genes), dtype=torch.float64)
        dense[:, columns[columns >= 0]] = torch.from_numpy(block[:, columns >= 0]).double()
        cut = bool(entry["params"]["pair_cut"])
        explained.append(Explained(int(k), lam, Translations.of_dense(dense), cut, unknown))
    return explained


def _check_there(entry: dict[str, Any], columns: np.ndarray, used: np.ndarray) -> None:
    missing = np.flatnonzero((columns < 0) & used)
    if len(missing):
        absent = ", ".join(map(str, entry["genes"][missing[:5]]))
        raise KeyError(f"adata has no {len(missing)} translated genes of the explanation: {absent}")


def explanation_of(entry: dict[str, Any], prepared: Prepared, k: int, key: str) -> Explained:
    """The stored explanation of one sparsity."""
    explained = stored_explanations(entry, prepared)
    there = [candidate.sparsity for candidate in explained]
    if k not in there:
        raise ValueError(f"sparsity={k} is not stored in adata.uns[{key!r}]; found: {', '.join(map(str, there))}")
    return explained[there.index(k)]
