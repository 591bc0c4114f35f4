"""Which cells of an AnnData an explanation knows, what they did in it, and in which groups they were."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from anndata import AnnData

from scgce._api.adata import gene_names, gene_places, get_matrix
from scgce._api.columns import stored_key
from scgce._api.errors import NotFoundError, listing
from scgce._api.groups import Groups, read_groups, read_labels
from scgce._api.warn import warn
from scgce.encoders import Encoder, resolve
from scgce.matrix import arrays
from scgce.store.cells import FIT, NEW, REPORT, CellFacts, cell_fields, match_cells

logger = logging.getLogger("scgce")

_COMPARED, _PROBES, _SEARCHED = 200, 50, 20_000
"""Cells whose positions are compared to tell the same cells from others of the same name, and the other way round."""
_SAME, _ALIKE = 1e-3, 0.3
"""Difference of positions, relative to their spread, up to which two are the same; correlation within groups from which
on they belong to one cell in two matrices: that of unrelated cells is 0 ± 0.1 with 200 of them."""
_EARLIER = "the explanation was stored by an earlier scgce, without the names of its cells"


def with_cells(entry: dict[str, Any], home: AnnData) -> dict[str, Any]:
    """The entry with its cells' names; one of an earlier version gets those of the AnnData that holds it.

    Raises
    ------
    ValueError
        If the cells of an earlier version are not those of the AnnData: another number, other groups, other means.
    """
    if "cell_digest" in entry:
        return entry
    split = np.asarray(entry.get("split", ()), dtype=np.int8)
    if len(split) != home.n_obs:
        raise ValueError(
            f"adata has {home.n_obs} cells and the explanation was made on {len(split)}; {_EARLIER}, so it is not "
            "known which of them fitted it; give the AnnData on which it was made (tl.evaluate: as reference=, for "
            "other cells)"
        )
    params = entry["params"]
    codes = _codes(read_groups(home, stored_key(home, params), min_cells=1), entry)
    codes = np.where(split >= 0, codes, -1)
    sizes = np.bincount(codes[codes >= 0], minlength=len(entry["groups"]))
    if "sizes" in entry and "evaluated" not in params and (sizes != np.asarray(entry["sizes"])).any():
        raise ValueError(f"obs[{params['groupby']!r}] has other groups than were explained; {_EARLIER}: explain again")
    if "evaluated" not in params and "lineages_of" not in params:
        _check_means(entry, home, np.where(split == FIT, codes, -1))
    logger.warning("%s: they are matched by position", _EARLIER)
    return {**entry, **cell_fields(home.obs_names, split, codes)}


def _check_means(entry: Mapping[str, Any], home: AnnData, fitting: np.ndarray) -> None:
    """The fitting cells, as they stand, have the means that were stored: no row was moved since."""
    columns = gene_places(home, entry["genes"])
    n_groups = len(entry["groups"])
    sums = arrays.group_sums(get_matrix(home, entry["params"]["layer"] or None), fitting, n_groups)
    sizes = np.bincount(fitting[fitting >= 0], minlength=n_groups)
    stored = np.asarray(entry["means"], dtype=np.float64)[:, columns >= 0]
    means = (sums / np.maximum(sizes, 1)[:, None])[:, columns[columns >= 0]]
    if not np.allclose(
        means[sizes > 0], stored[sizes > 0], rtol=1e-3, atol=1e-3 * float(np.abs(stored).max(initial=0))
    ):
        raise ValueError(
            "the cells or their values are not those that were explained (the means of the groups differ); "
            f"{_EARLIER}, so it is not known which of them fitted it: explain again"
        )


def known_cells(
    adata: AnnData,
    layer: str | None,
    entry: Mapping[str, Any],
    encoder: Any,
    r: Encoder,
    home: AnnData,
    used: np.ndarray,
) -> CellFacts:
    """Facts about the cells of ``adata``, by name; with the explained AnnData at hand, their positions are compared.

    Parameters
    ----------
    adata, layer
        The cells asked about.
    entry
        With the names of its cells.
    encoder, r
        The explanation's encoder as given, and for the genes of ``adata``.
    home
        AnnData that was explained; may be ``adata``.
    used
        Cells (n,) of ``adata`` that may take part.

    Raises
    ------
    ValueError
        If the cells have other names than those explained though they are the same cells.
    """
    facts = match_cells(entry, adata.obs_names)
    if home is adata:
        if not facts.known.any():
            raise ValueError(
                "no cell of adata has the name of a cell that was explained, so it is not known which of them fitted; "
                "give adata.obs_names back, or other cells with reference= (tl.evaluate)"
            )
        return facts
    parts = np.where(match_cells(entry, home.obs_names).group >= 0, FIT, -1)
    there = resolve_again(home, entry, encoder, layer=entry["params"]["layer"] or None, parts=parts)
    there = there.align(gene_names(home))
    X, X_home = get_matrix(adata, layer), get_matrix(home, entry["params"]["layer"] or None)
    if not facts.known.any():
        _check_not_renamed(r(_sampled(X, np.flatnonzero(used), _SEARCHED)), there, X_home, entry, home, adata.n_obs)
        return facts
    rows = _sample(np.flatnonzero(facts.known & (facts.group >= 0)), _COMPARED)
    place = home.obs_names.get_indexer_for(adata.obs_names[rows])
    if not len(rows) or not adata.obs_names.is_unique or not home.obs_names.is_unique or (place < 0).any():
        return facts
    here, before = r(arrays.csr_rows(X, rows)), there(arrays.csr_rows(X_home, place))
    if _alike(np.asarray(here, float), np.asarray(before, float), facts.group[rows]):
        return facts
    logger.warning(
        "%d cells have the names of cells that were explained and other values: they are taken for other cells; give "
        "every cell a name of its own to be sure", int(facts.known.sum())
    )  # fmt: skip
    n = adata.n_obs
    unknown = np.full(n, -1, dtype=np.int64)
    return CellFacts(np.full(n, NEW, dtype=np.int8), unknown, facts.n_missing, True, np.zeros(n, dtype=bool))


def resolve_again(adata: AnnData, entry: Mapping[str, Any], encoder: Any, **how: Any) -> Encoder:
    """The explanation's encoder in an AnnData; a model that reads genes by position has them in the order explained.

    Raises
    ------
    KeyError
        If genes that such a model reads are not there.
    """
    explained = np.asarray(entry["genes"]).astype(str)
    by_name = isinstance(encoder, Encoder | str | os.PathLike | Mapping)
    if not by_name and not np.array_equal(adata.var_names.astype(str), explained):
        missing = explained[~np.isin(explained, gene_names(adata).astype(str))]
        if len(missing):
            raise NotFoundError(
                f"encoder ({type(encoder).__name__}) reads the {len(explained)} genes that were explained, and adata "
                f"lacks {len(missing)} of them: {listing(missing)}"
            )
        adata = adata[:, explained]
    return resolve(adata, use_rep=None, encoder=encoder, **how)


def _sample(rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _sampled(X: Any, rows: np.ndarray, most: int) -> Any:
    return arrays.csr_rows(X, _sample(rows, most))


def _alike(here: np.ndarray, before: np.ndarray, group: np.ndarray) -> bool:
    """Whether positions of cells of one name are those of the same cells: equal, or related within their groups."""
    distance = np.linalg.norm(here - before, axis=1)
    if (distance <= _SAME * np.linalg.norm(before.std(axis=0))).mean() >= 0.5:
        return True
    for code in np.unique(group):
        here[group == code] -= here[group == code].mean(axis=0)
        before[group == code] -= before[group == code].mean(axis=0)
    size = float(np.sqrt((here**2).sum() * (before**2).sum()))
    return size > 0 and float((here * before).sum()) / size > _ALIKE


def _check_not_renamed(
    here: np.ndarray, there: Encoder, X_home: Any, entry: Mapping[str, Any], home: AnnData, n_cells: int
) -> None:
    """No cell that fitted comes again under another name."""
    fitting = np.flatnonzero(match_cells(entry, home.obs_names).part == FIT)
    if not len(fitting):
        return
    probes = np.asarray(there(_sampled(X_home, fitting, _PROBES)))
    nearest = np.array([np.linalg.norm(here - probe, axis=1).min() for probe in probes])
    found = float((nearest <= _SAME * 1e-2 * np.linalg.norm(here.std(axis=0))).mean())
    if found > 0.5 * len(here) / n_cells:
        raise ValueError(
            "cells of adata have the very values of cells that fitted the explanation, under other names; give them "
            "the obs_names they had, so that they are known"
        )


def explained_groups(
    adata: AnnData, entry: Mapping[str, Any], facts: CellFacts, groupby: str | Sequence[str] | None
) -> Groups:
    """The explanation's groups with the cells of ``adata``: as they were explained, or by a column that is named.

    Cells that the explanation does not know are in the groups of the column. Labels that have changed since are warned
    about.
    """
    current = read_groups(adata, stored_key(adata, entry["params"]) if groupby is None else groupby, min_cells=1)
    column, codes = current.key, _codes(current, entry)
    changed = facts.relabelled(codes)
    if changed:
        used = "they are taken in the groups in which they were explained" if groupby is None else "they are used"
        warn(
            f"obs[{column!r}] gives {changed} of the explained cells other labels than they had; {used}. Explain again "
            "after labels have changed"
        )
    if groupby is None:
        codes = facts.groups(codes)
    _tell_others(current, codes, entry)
    if facts.shared.any():
        logger.warning(
            "%d cells have the name of explained cells of several groups: they are taken in the groups of obs[%r], and "
            "left out if any of these fitted; adata.obs_names_make_unique() before explaining keeps cells apart",
            int(facts.shared.sum()), column,
        )  # fmt: skip
    joined = current.joined if groupby is not None else bool(entry["params"].get("joined"))
    return Groups(column, np.array([str(name) for name in entry["groups"]], dtype=object), codes, joined)


def _tell_others(current: Groups, codes: np.ndarray, entry: Mapping[str, Any]) -> None:
    """Say which labels are no groups of the explanation, and which groups have no cells; both look like a renaming."""
    left_out = np.bincount(current.codes[(current.codes >= 0) & (codes < 0)], minlength=current.n)
    others = [f"{current.names[row]} ({left_out[row]} cells)" for row in np.flatnonzero(left_out)]
    present = np.bincount(codes[codes >= 0], minlength=len(entry["groups"])) > 0
    absent = [name for name, there in zip(entry["groups"], present, strict=True) if not there]
    said = f"obs[{current.key!r}] has labels that are none of the explanation's groups, left out: {listing(others)}"
    without = f"groups of the explanation without cells: {listing(absent)}"
    if others and absent and present.any():  # where none is there an error follows
        warn(f"{said}; {without}. Give labels that were renamed the names that they had")
    elif others or absent:
        logger.info("%s", said if others else without)


def _codes(found: Groups, entry: Mapping[str, Any]) -> np.ndarray:
    """Row of the explanation's group of every cell (n,), −1 for a cell in none of them."""
    place = {str(name): row for row, name in enumerate(entry["groups"])}
    return np.array([*(place.get(str(name), -1) for name in found.names), -1], dtype=np.int64)[found.codes]


def parts_of(adata: AnnData, facts: CellFacts, codes: np.ndarray, entry: Mapping[str, Any]) -> np.ndarray:
    """Part (n,) int8 of every cell: the one it had; reported, if it took no part in the explanation; −1 in no group.

    Where whole donors fitted, a cell that took no part has that of its donor.

    Raises
    ------
    ValueError
        If there is no cell that could be reported, though the explanation had such cells.
    """
    part = np.where(facts.part < 0, np.int8(REPORT), facts.part)
    column = entry["params"].get("split_by", "")
    if "donors" in entry and column in adata.obs:
        names, donor = read_labels(adata, column, "split_by")
        own = dict(zip(map(str, entry["donors"]), np.asarray(entry["donor_part"]), strict=True))
        # a cell without a donor may be of one that fitted: it takes no part
        of_donor = np.array([*(own.get(str(name), REPORT) for name in names), -1], dtype=np.int8)[donor]
        part = np.where(facts.part < 0, of_donor, part)
    part = np.where(codes >= 0, part, np.int8(-1)).astype(np.int8)
    if (np.asarray(entry["split"]) == REPORT).any() and (part >= 0).any() and not (part == REPORT).any():
        raise ValueError(
            f"all {int((part >= 0).sum())} cells of the explanation's groups fitted or selected it; none is left to "
            "report on"
        )
    return part
