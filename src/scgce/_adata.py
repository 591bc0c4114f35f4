"""The only place that reads from and writes to an AnnData: matrix, gene names, stored results, masks and costs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scgce import __version__
from scgce._arrays import row_blocks
from scgce._keys import PARAMS, REQUIRED, VERSION, NotFoundError, listing, not_found

logger = logging.getLogger("scgce")

COUNTS_MAX = 50
LOOK_BYTES = 2**24


def get_matrix(adata: AnnData, layer: str | None) -> Any:
    """The matrix that is explained: ``adata.X``, or the layer.

    Raises
    ------
    KeyError
        If the layer is not there.
    ValueError
        If there is no layer given and ``adata.X`` is None.
    """
    if layer is None:
        if adata.X is None:
            raise ValueError(f"adata.X is None; give layer=…; found layers: {listing(adata.layers)}")
        return adata.X
    if layer not in adata.layers:
        raise not_found("layer", layer, "adata.layers", adata.layers)
    return adata.layers[layer]


def gene_names(adata: AnnData) -> np.ndarray:
    """Names of the genes (d,), strings.

    Raises
    ------
    ValueError
        If a name occurs twice.
    """
    if not adata.var_names.is_unique:
        twice = adata.var_names[adata.var_names.duplicated()].unique()
        raise ValueError(
            f"adata.var_names are not unique: {listing(twice)} occur more than once; "
            "run adata.var_names_make_unique() first"
        )
    return np.array([str(name) for name in adata.var_names], dtype=object)


def basis_key(adata: AnnData, use_rep: str) -> str:
    """The key of ``adata.obsm`` meant by ``use_rep``; ``X_pca`` and ``pca`` are the same representation.

    Raises
    ------
    KeyError
        If it is not there under either name.
    """
    bare = use_rep.removeprefix("X_")
    for key in (use_rep, f"X_{bare}", bare):
        if key in adata.obsm:
            return key
    raise not_found("use_rep", use_rep, "adata.obsm", adata.obsm)


def _is_result(entry: Any) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get(PARAMS), Mapping) and VERSION in entry[PARAMS]


def read_result(adata: AnnData, key: str) -> dict[str, Any]:
    """The explanation stored in ``adata.uns[key]``.

    Raises
    ------
    KeyError
        If the key is not there.
    ValueError
        If what is there was not written by scgce, lacks fields, or has fields that do not fit together.
    """
    if key not in adata.uns:
        present = [name for name, entry in adata.uns.items() if _is_result(entry)]
        hint = "" if present else "; run scgce.tl.tgt(adata, …) first"
        raise not_found("key", key, "the scgce results of adata.uns", present, hint=hint)
    entry = adata.uns[key]
    if not isinstance(entry, Mapping) or not isinstance(entry.get(PARAMS), Mapping):
        raise ValueError(f"adata.uns[{key!r}] was not written by scgce (it has no 'params'); give another key")
    missing = [field for field in REQUIRED if field not in entry]
    if missing:
        raise ValueError(f"adata.uns[{key!r}] is not a complete scgce explanation; missing: {listing(missing)}")
    n_groups, n_genes = len(entry["groups"]), len(entry["genes"])
    shapes = {"deltas": (n_groups, n_genes), "correctness": (n_groups, n_groups), "coverage": (n_groups, n_groups)}
    for field, shape in shapes.items():
        if np.shape(entry[field]) != shape:
            raise ValueError(
                f"adata.uns[{key!r}][{field!r}] has shape {np.shape(entry[field])}; expected {shape} "
                f"for {n_groups} groups and {n_genes} genes: the entry was truncated or edited"
            )
    return dict(entry)


def write_result(adata: AnnData, key: str, result: dict[str, Any]) -> None:
    """Store a result in ``adata.uns[key]``, whole or not at all.

    Parameters
    ----------
    adata
        Annotated data; a view becomes a copy of its own, with anndata's usual warning.
    key
        Key of ``adata.uns``.
    result
        Nested dict of arrays, sparse matrices, strings, numbers and lists of strings, with a dict ``params``.

    Raises
    ------
    TypeError
        If a value could not be written to h5ad or zarr, or is not what reading it back would give.
    """
    params = {**result[PARAMS], VERSION: __version__}
    entry = {**result, PARAMS: params}
    _check_storable(entry, f"uns[{key!r}]")
    adata.uns[key] = entry


def _check_storable(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str) or "/" in name:
                raise TypeError(f"{where} has the key {name!r}; expected a string without '/'")
            _check_storable(inner, f"{where}[{name!r}]")
    elif isinstance(value, list):
        if not all(isinstance(inner, str) for inner in value):
            raise TypeError(f"{where} is a list of something else than strings; expected an array")
    elif not (isinstance(value, str | bool | int | float | np.ndarray | np.generic) or sparse.issparse(value)):
        raise TypeError(f"{where} is a {type(value).__name__}, which cannot be stored")


def gene_mask(adata: AnnData, mask_var: str | np.ndarray | None) -> np.ndarray:
    """Which genes may be used, bool (d,).

    Parameters
    ----------
    adata
        Annotated data.
    mask_var
        Boolean column of ``adata.var``, boolean array (d,), or None for all genes.

    Raises
    ------
    KeyError
        If the column is not there.
    ValueError
        If it is not boolean, has missing values or another length, or leaves no gene.
    """
    if mask_var is None:
        return np.ones(adata.n_vars, dtype=bool)
    if isinstance(mask_var, str) and mask_var not in adata.var.columns:
        raise not_found("mask_var", mask_var, "adata.var", adata.var.columns)
    values = adata.var[mask_var] if isinstance(mask_var, str) else pd.Series(np.asarray(mask_var))
    name = repr(mask_var) if isinstance(mask_var, str) else "array"
    if not pd.api.types.is_bool_dtype(values) or values.isna().any():
        raise ValueError(f"mask_var={name} has dtype {values.dtype}; expected booleans without missing values")
    mask = values.to_numpy(dtype=bool)
    if mask.shape != (adata.n_vars,):
        raise ValueError(f"mask_var={name} has shape {mask.shape}; expected ({adata.n_vars},)")
    if not mask.any():
        raise ValueError(f"mask_var={name} leaves no gene")
    return mask


def gene_costs(adata: AnnData, spec: str | np.ndarray | pd.Series | None) -> np.ndarray:
    """Price of every gene, float64 (d,); infinite: forbidden.

    Parameters
    ----------
    adata
        Annotated data.
    spec
        Column of ``adata.var``, array (d,), Series indexed by gene names, or None for 1 each.

    Raises
    ------
    KeyError
        If the column, or a gene in the Series, is not there.
    ValueError
        If the costs are not numbers, are negative or NaN, have another length, or forbid every gene.
    """
    if spec is None:
        return np.ones(adata.n_vars)
    if isinstance(spec, str):
        if spec not in adata.var.columns:
            raise not_found("gene_costs", spec, "adata.var", adata.var.columns)
        values: Any = adata.var[spec]
    elif isinstance(spec, pd.Series):
        absent = adata.var_names.difference(spec.index)
        if len(absent):
            raise NotFoundError(f"gene_costs (Series) has no value for {len(absent)} genes: {listing(absent)}")
        values = spec.loc[adata.var_names]
    else:
        values = spec
    name = repr(spec) if isinstance(spec, str) else type(spec).__name__
    try:
        costs = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"gene_costs={name} does not hold numbers") from error
    if costs.shape != (adata.n_vars,):
        raise ValueError(f"gene_costs={name} has shape {costs.shape}; expected ({adata.n_vars},)")
    bad = np.flatnonzero(~(costs >= 0))
    if bad.size:
        shown = [f"{adata.var_names[g]}: {costs[g]}" for g in bad]
        raise ValueError(f"gene_costs={name} must be 0 or above (inf forbids a gene); found {listing(shown)}")
    if not np.isfinite(costs).any():
        raise ValueError(f"gene_costs={name} forbids every gene")
    return costs


def _first_values(X: Any) -> np.ndarray:
    """The stored values of the first rows of X."""
    _, block = next(row_blocks(X, LOOK_BYTES))
    return np.asarray(block.data if sparse.issparse(block) else block)


def warn_if_counts(X: Any, name: str) -> bool:
    """Warn if the matrix looks like raw counts: whole numbers only, some above 50.

    Parameters
    ----------
    X
        Matrix (n, d) of any accepted kind; its first rows are looked at.
    name
        What the user calls it.

    Returns
    -------
    Whether it was warned.
    """
    values = _first_values(X)
    counts = bool(values.size and values.max() > COUNTS_MAX and values.min() >= 0 and not np.mod(values, 1).any())
    if counts:
        warnings.warn(
            f"{name} looks like raw counts (whole numbers up to {values.max():g}); explanations read best on "
            "normalised log values: sc.pp.normalize_total(adata); sc.pp.log1p(adata)",
            UserWarning,
            stacklevel=3,
        )
    return counts


def warn_if_scaled(adata: AnnData, layer: str | None) -> bool:
    """Log a hint if ``adata.X`` has negative values (scaled) while ``adata.raw`` exists.

    Returns
    -------
    Whether there was a hint.
    """
    if layer is not None or adata.raw is None:
        return False
    values = _first_values(adata.X)
    scaled = bool(values.size and values.min() < 0)
    if scaled:
        logger.warning(
            "adata.X has negative values, as after sc.pp.scale, and adata.raw exists: amounts will be in scaled units. "
            "To explain expression, use adata.raw.to_adata() or put the unscaled values in a layer and give layer=…"
        )
    return scaled
