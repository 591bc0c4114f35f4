"""A stored explanation in the structure of scanpy's ``rank_genes_groups``."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.adata import gene_places, log_base
from scgce._api.columns import has_labels, label_column, stored_key
from scgce._api.constraints import checked, one_of
from scgce._api.docs import with_docs
from scgce.core.gauge import gauge
from scgce.core.score.contrast import contrasts, separation
from scgce.store.result import Result

NAMELESS = "(empty)"
"""How the group whose label is empty text is listed: fields of structured arrays need a name."""

_FIELDS = {"names": object, "scores": "f4", "logfoldchanges": "f4", "pvals": "f8", "pvals_adj": "f8"}


@checked(by=one_of("separation", "translation"))
@with_docs
def rank_genes(
    adata: AnnData,
    key: str = "tgt",
    key_added: str = "rank_genes_groups",
    *,
    by: Literal["separation", "translation"] = "separation",
    reference: Any = "baseline",
    sparsity: int | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Write marker lists of the explained groups where scanpy's own functions find them.

    By default a list of markers: genes whose mean sets the group apart from each other group, the worst pairs counting
    most, in units that are comparable over genes, so that a gene that all groups express comes late and none leads the
    lists of more than half of the groups. ``by="translation"`` ranks by the explanation itself, which also names what
    only the map weighs.

    Afterwards ``sc.get.rank_genes_groups_df``, ``sc.pl.rank_genes_groups_dotplot`` and its relatives work on the
    explanation. scanpy's plots do not look at the stored layer: pass them ``use_raw=False`` and the ``layer=`` that
    was explained.

    Parameters
    ----------
    {result}
    {key}
    key_added
        Where in ``adata.uns`` to write.
    by
        ``"separation"``: ``(a − b) / √(abs a + abs b + 0.1)`` of the group's mean a and another group's b, its mean
        over the half of the other groups where it is least. ``"translation"``: the amount of the explanation.
    reference
        What the groups are compared with: ``"baseline"`` (the median over groups, gene by gene, weighted by cells;
        scanpy is told ``"rest"``) or a group, by its name or as ``{groupby: name}``, which itself is not listed,
        as by scanpy.
    sparsity
        Genes per pair, one of those computed; the selected number if not given. Matters to ``by="translation"`` only.
    copy
        Return a changed copy and leave ``adata`` as it is.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]`` with five structured arrays, one field per group and one row per
    explained gene that ``adata`` still has, highest score first: ``names``, ``scores`` (as ``by`` says: without
    unit, or the translation reference → group in units of the explained matrix), ``logfoldchanges`` (log2 fold change
    of the real means, as scanpy computes it from log1p values of the base in ``uns["log1p"]``: against the other cells
    or the reference group; NaN where it is not defined), ``pvals`` and
    ``pvals_adj`` (NaN: a translation is no test), and ``params``. A group whose label is empty text is listed as
    ``"(empty)"``, since fields of structured arrays need a name.

    Raises
    ------
    KeyError
        If there is no result under ``key``.
    ValueError
        If the reference or sparsity is unknown, ``adata`` has none of the explained genes or several of one name, or
        ``key_added`` is ``key``.
    """
    result = Result.read(adata, key)
    row = None if reference == "baseline" else result.group(reference, "reference")
    present = np.flatnonzero(gene_places(adata, result.genes) >= 0)
    if len(present) == 0:
        raise ValueError(f"adata has none of the {len(result.genes)} genes of adata.uns[{key!r}]")
    translations = gauge(result.basis(sparsity), "baseline" if row is None else row, result.sizes)
    scores = _separations(result.means, row) if by == "separation" else translations
    changes = _log2_fold_changes(result, row, _log_base(adata, result))
    listed = [i for i in range(len(result.groups)) if i != row]
    entry = _structured(result, scores[:, present], changes[:, present], result.genes[present], listed)
    groupby = stored_key(adata, result.params)
    params = {"groupby": groupby, "reference": "rest" if row is None else str(reference), "use_raw": False}
    layer = str(result.params.get("layer", ""))
    params |= {"layer": layer} if layer in adata.layers else {}
    target = adata.copy() if copy else adata
    if groupby not in target.obs and has_labels(target, groupby):
        target.obs[groupby] = label_column(target, groupby)  # scanpy's plots read it
    target.uns[key_added] = {
        "params": params | {"method": "scgce", "corr_method": "none", "explanation": key, "by": by}
    } | entry
    return target if copy else None


def _separations(means: NDArray[np.float64], row: int | None) -> NDArray[np.float64]:
    """Scores (l, d) against the other groups, or against one."""
    rows = range(len(means))
    return np.stack([separation(means, i) if row is None else contrasts(means, i)[row] for i in rows])


def _log_base(adata: AnnData, result: Result) -> float:
    """Base of the logarithm that was explained, as noted then, or else as noted now; e without a note."""
    stored = float(result.raw.get("units", {}).get("base", np.nan))
    now = log_base(adata, None)
    return stored if np.isfinite(stored) else math.e if now is None else now


def _log2_fold_changes(result: Result, row: int | None, base: float) -> NDArray[np.float64]:
    """Log2 fold change of group means (l, d), scanpy's formula for log1p values, against a group or all other cells."""
    means, sizes = result.means, result.sizes[:, None].astype(np.float64)
    if row is None:
        others = ((sizes * means).sum(axis=0) - sizes * means) / (sizes.sum() - sizes)
    else:
        others = np.broadcast_to(means[row], means.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        changes: NDArray[np.float64] = np.log2((_counts(means, base) + 1e-9) / (_counts(others, base) + 1e-9))
    changes[~np.isfinite(changes)] = np.nan
    return changes


def _counts(logged: NDArray[np.float64], base: float) -> NDArray[np.float64]:
    """What was logged, base ** x − 1."""
    return np.expm1(logged * np.log(base))


def _field(result: Result, i: int) -> str:
    """Name of a group among the fields of structured arrays, which cannot be empty."""
    name, fallback = str(result.groups[i]), NAMELESS
    while fallback in result.groups:
        fallback += "_"
    return name or fallback


def _structured(
    result: Result,
    scores: NDArray[np.float64],
    changes: NDArray[np.float64],
    genes: NDArray[np.object_],
    listed: list[int],
) -> dict[str, NDArray[Any]]:
    fields = [_field(result, i) for i in listed]
    entry = {name: np.empty(len(genes), dtype=[(f, kind) for f in fields]) for name, kind in _FIELDS.items()}
    for i, field in zip(listed, fields, strict=True):
        order = np.argsort(-scores[i], kind="stable")
        entry["names"][field] = genes[order]
        entry["scores"][field] = scores[i, order]
        entry["logfoldchanges"][field] = changes[i, order]
        entry["pvals"][field] = entry["pvals_adj"][field] = np.nan
    return entry
