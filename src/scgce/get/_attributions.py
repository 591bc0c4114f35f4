"""Attributions of genes, from `tl.integrated_gradients`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.columns import group_name
from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.errors import not_found
from scgce._api.symbols import with_symbols
from scgce.store.layout import DAMAGED, NUMBERS


@checked()
@with_docs
def attributions(
    adata: AnnData, source: Any, target: Any, *, gene_symbols: str | None = None, key: str = "integrated_gradients"
) -> pd.DataFrame:
    """Which genes make a classifier on the map call cells ``target`` rather than ``source``.

    Parameters
    ----------
    adata
        Annotated data with a result of `tl.integrated_gradients`.
    source, target
        Names of two groups: baselines are cells of the source, the probability is the target's.
    {symbol_column}
    {key}

    Returns
    -------
    One row per gene with an attribution, largest absolute one first: ``gene``, ``attribution`` (units of probability;
    not a translation) and ``standard_error`` over the pairs of cells drawn.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If what is there are not attributions, a group is unknown, or source and target are the same.
    """
    if key not in adata.uns:
        raise not_found("key", key, "adata.uns", adata.uns, hint="; run scgce.tl.integrated_gradients(adata, …) first")
    entry = adata.uns[key]
    params = entry.get("params", {}) if isinstance(entry, Mapping) else {}
    if not isinstance(params, Mapping) or str(params.get("type")) != "attributions":
        raise ValueError(f"adata.uns[{key!r}] does not hold attributions; expected a key of tl.integrated_gradients")
    _check(entry, f"adata.uns[{key!r}]")
    names = [str(name) for name in entry["groups"]]
    groupby, ends = str(params.get("groupby")), []
    for argument, name in (("source", source), ("target", target)):
        ends.append(group_name(name, groupby, argument, names))
        if ends[-1] not in names:
            raise not_found(argument, name, f"the groups of {groupby!r}", names)
    if ends[0] == ends[1]:
        raise ValueError(f"source and target are both {source!r}; choose two different groups")
    row = names.index(ends[0]) * len(names) + names.index(ends[1])
    values = np.asarray(entry["attributions"][row], dtype=np.float64)
    genes = np.flatnonzero(values)
    genes = genes[np.argsort(-np.abs(values[genes]), kind="stable")]
    labels = np.array([str(gene) for gene in entry["genes"]], dtype=object)
    frame = pd.DataFrame({"gene": labels[genes], "attribution": values[genes]})
    frame["standard_error"] = np.asarray(entry["standard_error"][row], dtype=np.float64)[genes]
    return with_symbols(frame, adata, gene_symbols)


def _check(entry: Mapping[str, Any], where: str) -> None:
    n_groups, n_genes = (np.size(entry.get(field, ())) for field in ("groups", "genes"))
    shapes: dict[str, tuple[int, ...]] = {"groups": (n_groups,), "genes": (n_genes,)}
    for field in ("attributions", "standard_error"):
        shapes[field] = (n_groups**2, n_genes)
    for field, shape in shapes.items():
        found = getattr(entry.get(field), "shape", None)
        if found != shape or 0 in shape:
            raise ValueError(f"{where}[{field!r}] has shape {found}; expected {shape}: {DAMAGED}")
    for field in ("attributions", "standard_error"):
        if entry[field].dtype.kind not in NUMBERS:
            raise ValueError(f"{where}[{field!r}] holds {entry[field].dtype}; expected numbers: {DAMAGED}")
