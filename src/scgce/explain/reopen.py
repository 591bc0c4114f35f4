"""Open a stored explanation again: its cells, its encoder, its translations."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from anndata import AnnData
from scipy import sparse

from scgce._api.adata import gene_names, get_matrix, log_base
from scgce._api.columns import stored_key
from scgce._api.errors import NotFoundError, listing
from scgce._api.groups import Groups, check_sizes, read_groups
from scgce.core.choose.select import Explained
from scgce.core.score.metrics import Scores
from scgce.core.translations import Translations
from scgce.matrix import arrays
from scgce.store.cells import match_cells, reported_sizes

from .cells import explained_groups, known_cells, parts_of, resolve_again, with_cells
from .pairs import from_rows, pair_explained
from .params import seed_of
from .programs import ProgramExplained
from .read import Prepared, read, refuse_negative
from .split import FIT, REPORT
from .units import check_units

logger = logging.getLogger("scgce")


def reopen(
    adata: AnnData,
    entry: dict[str, Any],
    groupby: str | Sequence[str] | None,
    layer: str | None,
    encoder: Any,
    *,
    min_cells: int,
    seed: int,
    device: torch.device,
    home: AnnData | None = None,
    fitting: bool = True,
    whole: bool = False,
    clip: str | None = None,
) -> Prepared:
    """The cells of the explanation's groups, each in the part that it had; reported, if it took no part.

    As many cells of every group are reported as the explanation was reported on, since scores grow with that number.

    Parameters
    ----------
    groupby
        Column with the groups; None: the groups in which the cells were explained.
    home
        AnnData that was explained, if ``adata`` may hold other cells.
    fitting
        Whether the cells that fitted are needed as well.
    whole
        Whether every group must be there: what is added to the result has a place for each.
    clip
        How far translated cells may go; None: as stored.

    Raises
    ------
    ValueError
        If it cannot be known which cells fitted, or fewer than two groups, or not the whole result's, have the cells
        that are needed.
    """
    params = entry["params"]
    layer = layer or params["layer"] or None
    entry = with_cells(entry, adata if home is None else home)
    X, genes = get_matrix(adata, layer), gene_names(adata)
    name = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    used = _used(adata, entry, groupby)
    arrays.check_matrix(X, name, used)
    parts = np.where(used, FIT, -1)
    how: dict[str, Any] = {"layer": layer, "rng": seed, "device": str(device), "parts": parts}
    r = resolve_again(adata, entry, encoder, **how).align(genes)
    facts = known_cells(adata, layer, entry, encoder, r, adata if home is None else home, used)
    if home is None and facts.n_missing:
        logger.warning("adata lacks %d of the cells that were explained", facts.n_missing)
    found = explained_groups(adata, entry, facts, groupby)
    base = log_base(adata, layer)
    if "means" in entry:
        there = _columns(entry, genes)
        check_units(X, found.codes, entry["means"], there, name, stored=entry.get("units"), base=base)
    part = parts_of(adata, facts, found.codes, entry)
    kept = _kept(found, part, fitting, whole)
    recode = np.full(found.n + 1, -1, dtype=np.int64)
    recode[kept] = np.arange(len(kept))
    groups = replace(found, names=found.names[kept], codes=recode[found.codes])
    part = np.where(groups.codes >= 0, part, np.int8(-1)).astype(np.int8)
    reported = replace(groups, codes=np.where(_reported(part), groups.codes, -1))
    check_sizes(reported, min_cells)
    clip = str(params["clip"]) if clip is None else clip
    if clip == "zero":
        refuse_negative(X, name, "clip='zero'")
    most = reported_sizes(entry)[kept]
    opened = read(adata, X, genes, groups, r, part, device=device, seed=seed, clip=clip, most_reported=most)
    donors = dict(zip(map(str, entry.get("donors", ())), entry.get("donor_part", ()), strict=True))
    asked = None if "asked" not in entry else np.asarray(entry["asked"], dtype=bool)[np.ix_(kept, kept)]
    opened = replace(opened, donors={name: int(donors[name]) for name in donors}, base=base, asked=asked)
    return _with_stored_range(opened, entry)


def _used(adata: AnnData, entry: dict[str, Any], groupby: str | Sequence[str] | None) -> np.ndarray:
    """Cells (n,) that may take part: those in a group today, and those that were in one."""
    today = (
        read_groups(adata, stored_key(adata, entry["params"]) if groupby is None else groupby, min_cells=1).codes >= 0
    )
    return np.asarray(today | (match_cells(entry, adata.obs_names).group >= 0))


def _reported(part: np.ndarray) -> np.ndarray:
    """Cells that are reported: all of them without a split."""
    return np.asarray(part == (REPORT if (part == REPORT).any() else FIT))


def _kept(found: Groups, part: np.ndarray, fitting: bool, whole: bool) -> np.ndarray:
    """Rows of the explanation's groups that have the cells needed: all of them, for ``whole``."""
    there = np.bincount(found.codes[found.codes >= 0], minlength=found.n) > 0
    enough = np.bincount(found.codes[_reported(part)], minlength=found.n) > 0
    if fitting:
        enough &= np.bincount(found.codes[part == FIT], minlength=found.n) > 0
    lacking = found.names[there & ~enough]
    if len(lacking):
        what = "the cells that fitted them or cells to report on" if fitting else "cells that took no part in the fit"
        logger.warning("%s: left out, for lack of %s", listing(lacking), what)
    kept = np.flatnonzero(enough)
    if len(kept) < 2:
        raise ValueError(
            f"groupby={found.key!r} has {len(kept)} of the explanation's groups ({', '.join(found.names)}) with the "
            "cells that are needed; at least two are needed"
        )
    if whole and len(kept) < found.n:
        raise ValueError(
            f"adata lacks cells of the explanation's groups {listing(found.names[~enough])}; expected those explained "
            "(or explain the others by themselves: tl.tgt(…, groups=[…]))"
        )
    return kept


def seed_for(entry: dict[str, Any], rng: int | np.random.Generator | None) -> int:
    """The seed given; the explanation's own for None, so that cells and judges are drawn as they were."""
    return int(entry["params"].get("seed", 0)) if rng is None else seed_of(rng)


def _columns(entry: Mapping[str, Any], genes: np.ndarray) -> np.ndarray:
    """Position of every stored gene in ``genes``, -1 if it is not there."""
    place = {name: index for index, name in enumerate(genes)}
    return np.array([place.get(name, -1) for name in entry["genes"]])


def genes_onto(entry: Mapping[str, Any], genes: np.ndarray) -> sparse.csr_matrix:
    """What takes rows over the stored genes to rows over ``genes`` (d stored, d); its transpose takes them back."""
    columns = _columns(entry, genes)
    there = np.flatnonzero(columns >= 0)
    ones = np.ones(len(there), dtype=np.float32)
    return sparse.csr_matrix((ones, (there, columns[there])), shape=(len(columns), len(genes)))


def _with_stored_range(opened: Prepared, entry: dict[str, Any]) -> Prepared:
    """The genes' range that bounded the explanation, where it is stored; a gene it does not know has none."""
    if "low" not in entry or "high" not in entry:
        return opened
    columns = _columns(entry, opened.genes)
    low, high = (np.full(len(opened.genes), bound, np.float32) for bound in (-np.inf, np.inf))
    for bound, name in ((low, "low"), (high, "high")):
        bound[columns[columns >= 0]] = np.asarray(entry[name])[columns >= 0]
    return replace(opened, low=low, high=high)


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
        if "programs" in entry:
            levels, amounts = (np.asarray(entry["programs"][name][index])[:, rows] for name in ("levels", "amounts"))
            found = Translations.of_dense(dense)
            explained.append(ProgramExplained(int(k), lam, found, False, unknown, levels, amounts, scored.asked))
            continue
        explained.append(Explained(int(k), lam, Translations.of_dense(dense), cut, unknown))
    return explained


def stored_factors(entry: dict[str, Any]) -> list[float]:
    """Factor of the difference of means for every stored sparsity; 1 in an entry of an earlier version."""
    sweep = entry["sweep"]
    return np.asarray(sweep.get("dbm_factor", np.ones(np.size(sweep["sparsity"]))), dtype=np.float64).tolist()


def _check_there(entry: dict[str, Any], columns: np.ndarray, used: np.ndarray) -> None:
    missing = np.flatnonzero((columns < 0) & used)
    if len(missing):
        absent = ", ".join(map(str, entry["genes"][missing[:5]]))
        raise NotFoundError(f"adata has no {len(missing)} translated genes of the explanation: {absent}")


def explanation_of(entry: dict[str, Any], prepared: Prepared, k: int, key: str) -> Explained:
    """The stored explanation of one sparsity."""
    explained = stored_explanations(entry, prepared)
    there = [candidate.sparsity for candidate in explained]
    if k not in there:
        raise ValueError(f"sparsity={k} is not stored in adata.uns[{key!r}]; found: {', '.join(map(str, there))}")
    return explained[there.index(k)]


def programs_of(entry: dict[str, Any], scored: Prepared) -> dict[str, Any]:
    """What the entry says of programmes, for the groups and genes that are scored; nothing of a result in genes."""
    if "programs" not in entry:
        return {}
    rows, place = _rows(entry, scored), genes_onto(entry, scored.genes)
    stored = dict(entry["programs"])
    stored |= {name: sparse.csr_matrix(stored[name] @ place) for name in ("membership", "weights")}
    stored |= {name: np.asarray(stored[name])[:, :, rows] for name in ("levels", "amounts")}
    return {"programs": stored}
