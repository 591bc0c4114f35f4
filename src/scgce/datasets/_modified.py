"""Adding a shifted copy of one group, the paper's test of whether a planted signal is found (appendix A.6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from scgce._api.columns import label_names
from scgce._api.errors import not_found
from scgce._api.groups import group_codes, labels_of


@dataclass(frozen=True)
class Modification:
    """One row block of the paper's Table 4.

    Attributes
    ----------
    group
        The published group that was modified.
    features
        Names of the shifted features.
    shift
        Mean shift of each feature, on the [0, 1] scale.
    width
        Half width of the uniform noise around the shift.
    """

    group: str
    features: tuple[str, ...]
    shift: tuple[float, ...]
    width: float = 0.1


#: Table 4, by data set. The groups are the authors'; with other groups, pick yours.
MODIFICATIONS = {
    "iris": Modification("0", ("Sepal Width",), (-0.4,)),
    "boston_housing": Modification("1", ("ZN", "TAX"), (0.9, -0.5)),
    "heart_disease": Modification("1", ("restecg", "exang"), (-0.9, 0.6)),
}


def modified(
    adata: ad.AnnData,
    group: str,
    features: str | Sequence[str],
    shift: float | Sequence[float],
    width: float = 0.1,
    rng: int | np.random.Generator = 0,
    *,
    groupby: str = "group",
    new_group: str | None = None,
) -> ad.AnnData:
    """Append a copy of one group whose *features* are moved by ``shift + Uniform(-width, width)``.

    Parameters
    ----------
    adata
        Data whose ``X`` is modified; left as it is.
    group
        Which group of ``obs[groupby]`` is copied.
    features
        Names of the features to move.
    shift
        Mean shift, one number or one for each feature, in the units of ``X``.
    width
        Half width of the uniform noise, drawn for every cell and feature.
    rng
        Seed or generator.
    groupby
        Column of ``obs`` with the groups.
    new_group
        Name of the appended group; by default ``f"{group} modified"``.

    Returns
    -------
    New AnnData: the cells of *adata*, then the modified copies (names ending in ``-modified``), with ``obs`` and
    ``var`` kept, ``obs["modified"]`` (bool), ``uns`` of *adata* and ``uns["modification"]``: ``groupby``, ``group``,
    ``new_group``, ``width`` and ``delta`` ``(d,)``, the expected difference. Layers and embeddings are not carried
    over: they say nothing about the new cells.

    Raises
    ------
    KeyError
        If the column, the group or a feature does not exist; the message lists what does.
    ValueError
        If there is not one shift for each feature, the width is negative, or the new group exists already.
    """
    names = [features] if isinstance(features, str) else list(features)
    cells, new_group = _chosen_cells(adata, groupby, group, new_group)
    columns, delta = _expected_delta(adata, names, shift, width)
    block = adata.X[cells].toarray() if sparse.issparse(adata.X) else np.array(adata.X[cells])
    block = block.astype(np.result_type(block.dtype, np.float32))
    noise = np.random.default_rng(rng).uniform(-width, width, (len(cells), len(columns)))
    block[:, columns] += (delta[columns] + noise).astype(block.dtype)
    new = ad.AnnData(
        X=sparse.csr_matrix(block) if sparse.issparse(adata.X) else block,
        obs=adata.obs.iloc[cells].assign(**{groupby: new_group, "modified": True}),
        var=adata.var[[]],
    )
    new.obs_names = [f"{name}-modified" for name in new.obs_names]
    old = ad.AnnData(X=adata.X, obs=adata.obs.assign(modified=False), var=adata.var[[]])
    categories = [*_categories(adata, groupby), new_group]
    joined = ad.concat([old, new])
    old_codes = group_codes(old, groupby, categories)
    codes = np.append(old_codes, np.full(len(cells), len(categories) - 1))
    joined.obs[groupby] = pd.Categorical.from_codes(codes, categories)
    joined.var = adata.var.copy()
    joined.uns = dict(adata.uns)
    joined.uns["modification"] = {
        "groupby": groupby,
        "group": str(group),
        "new_group": new_group,
        "width": float(width),
        "delta": delta,
    }
    return joined


def _categories(adata: ad.AnnData, groupby: str) -> list[str]:
    """All categories as names, also those without cells."""
    return label_names(adata.obs[groupby].astype("category").cat.categories)


def _chosen_cells(adata: ad.AnnData, groupby: str, group: str, new_group: str | None) -> tuple[np.ndarray, str]:
    if groupby not in adata.obs:
        raise not_found("groupby", groupby, "adata.obs", adata.obs.columns)
    labels, _ = labels_of(adata.obs[groupby])
    cells = np.flatnonzero(group_codes(adata, groupby, label_names([group])) == 0)
    if not len(cells):
        raise not_found("group", group, f"obs[{groupby!r}] (labels that have cells)", sorted(set(labels)))
    new_group = f"{group} modified" if new_group is None else str(new_group)
    if new_group in labels:
        raise ValueError(f"new_group={new_group!r} is already a group of obs[{groupby!r}]; give another name")
    return cells, new_group


def _expected_delta(
    adata: ad.AnnData, names: list[str], shift: float | Sequence[float], width: float
) -> tuple[np.ndarray, np.ndarray]:
    missing = [name for name in names if name not in adata.var_names]
    if missing:
        raise not_found("features", missing[0], "adata.var_names", adata.var_names)
    shifts = np.asarray(shift, dtype=np.float64)
    if shifts.ndim > 1 or (shifts.ndim == 1 and len(shifts) != len(names)) or not np.isfinite(shifts).all():
        raise ValueError(f"shift={shift!r}: expected one number, or one for each of the {len(names)} features")
    if not 0 <= width < np.inf:
        raise ValueError(f"width={width!r}: expected a number of at least 0")
    columns = adata.var_names.get_indexer(names)
    delta = np.zeros(adata.n_vars)
    delta[columns] = shifts
    return columns, delta
