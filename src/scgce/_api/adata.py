"""What is read from an AnnData: the matrix, gene names, the representation's key, per-gene masks and costs.

Stored results are read and written in ``store``, groups of cells in ``groups``.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from scgce.matrix.arrays import row_blocks

from .errors import NotFoundError, listing, not_found
from .symbols import column_words, gene_labels, names_of_genes
from .warn import warn

logger = logging.getLogger("scgce")

__all__ = [
    "basis_key",
    "check_finite",
    "coordinates",
    "gene_costs",
    "gene_mask",
    "gene_names",
    "gene_places",
    "get_matrix",
    "is_real",
    "log_base",
    "numbers",
    "warn_if_counts",
    "warn_if_scaled",
]

COUNTS_MAX = 50
LOOK_BYTES = 2**24


_LOGARITHM = re.compile(r"log1p\((.+)\)")


def _log1p(X: Any, layer: str | None) -> Any:
    if not (hasattr(X, "log1p") or isinstance(X, np.ndarray) or hasattr(X, "map_blocks")):
        raise TypeError(
            f"layer={layer!r}: a matrix of the kind {type(X).__name__} has no log1p; store it as a layer first"
        )
    with np.errstate(invalid="ignore"):  # below -1 there is none: NaN, which the matrix is searched for
        return X.log1p() if hasattr(X, "log1p") else np.log1p(X)


def get_matrix(adata: AnnData, layer: str | None) -> Any:
    """The matrix that is explained: ``adata.X``, or the layer.

    ``"log1p(NAME)"`` is the logarithm of the layer NAME, and ``"log1p(X)"`` that of ``adata.X``, made on the fly.

    Raises
    ------
    KeyError
        If the layer is not there.
    ValueError
        If there is no layer given and ``adata.X`` is None.
    TypeError
        If the logarithm is asked for of a matrix that lies in a file.
    """
    logarithm = None if layer is None or layer in adata.layers else _LOGARITHM.fullmatch(layer)
    if logarithm:
        return _log1p(get_matrix(adata, None if logarithm[1] == "X" else logarithm[1]), layer)
    names = [name for name in adata.layers if name is not None]  # anndata 0.13 lists X as the layer None
    if layer is None:
        if adata.X is None:
            raise ValueError(f"adata.X is None; give layer=…; found layers: {listing(names)}")
        return adata.X
    if layer not in names:
        raise not_found("layer", layer, "adata.layers", names)
    return adata.layers[layer]


def log_base(adata: AnnData, layer: str | None) -> float | None:
    """Base of the logarithm that the matrix holds: what scanpy noted in ``uns["log1p"]``; None if nothing says it.

    The note is of one matrix, the last of which a logarithm was taken, and is believed of ``adata.X`` only.
    """
    if layer is not None:
        return math.e if layer not in adata.layers and _LOGARITHM.fullmatch(layer) else None
    noted = adata.uns.get("log1p")
    if not isinstance(noted, Mapping):
        return None
    base = noted.get("base")  # None, which files leave out: natural
    return math.e if base is None else float(base)


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


def gene_places(adata: AnnData, genes: Any) -> np.ndarray:
    """Column of ``adata`` of every gene, by name; −1 for one that it lacks.

    Raises
    ------
    ValueError
        As `gene_names`.
    """
    return pd.Index(gene_names(adata)).get_indexer(pd.Index(genes).astype(str))


def basis_key(adata: AnnData, use_rep: str, argument: str = "use_rep") -> str:
    """The key of ``adata.obsm`` meant by ``use_rep``; ``X_pca`` and ``pca`` are the same representation.

    Raises
    ------
    KeyError
        If it is not there under either name; ``argument`` is what the caller calls it.
    """
    bare = use_rep.removeprefix("X_")
    for key in (use_rep, f"X_{bare}", bare):
        if key in adata.obsm:
            return key
    raise not_found(argument, use_rep, "adata.obsm", adata.obsm)


def coordinates(adata: AnnData, key: str) -> np.ndarray:
    """The representation ``adata.obsm[key]`` as numbers, float64 (n, m), whatever holds it; NaN where it has none.

    Raises
    ------
    ValueError
        As `numbers`.
    """
    return numbers(adata.obsm[key], f"adata.obsm[{key!r}]", adata.n_obs)


def numbers(values: Any, where: str, n_rows: int) -> np.ndarray:
    """A table of obsm or varm as float64 (n, m), whatever holds it; missing values become NaN.

    Raises
    ------
    ValueError
        If it has no columns, or holds something else than real numbers: a column of text is named, and digits stored
        as text are not taken for numbers.
    """
    if isinstance(values, pd.DataFrame):
        odd = [name for name, column in values.items() if not is_real(column.dtype)]
        if odd:
            shown = [f"{name!r} ({values[name].dtype})" for name in odd]
            raise ValueError(
                f"{where} has columns that are no numbers: {listing(shown)}; drop them, or turn digits stored as text "
                "into numbers with pandas.to_numeric"
            )
        values = values.to_numpy(dtype=np.float64, na_value=np.nan)
    if sparse.issparse(values):
        values = values.toarray()
    values = np.asarray(values)
    if not is_real(values.dtype):
        raise ValueError(f"{where} has dtype {values.dtype}; expected real numbers, one column a dimension")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"{where} has shape {values.shape}; expected ({n_rows}, m), one column a dimension")
    return values.astype(np.float64)


def is_real(dtype: Any) -> bool:
    """Whether values of a dtype of numpy or pandas are real numbers; truth values are none."""
    numeric = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    return bool(numeric and not pd.api.types.is_complex_dtype(dtype))


def check_finite(values: np.ndarray, adata: AnnData, where: str, used: np.ndarray | None = None) -> None:
    """Raise if a cell that takes part has NaN or infinite values.

    Parameters
    ----------
    values
        (n, m), one row a cell of ``adata``.
    where
        What the user calls them.
    used
        Which cells take part, bool (n,); all if None.

    Raises
    ------
    ValueError
        It names the cells.
    """
    bad = ~np.isfinite(values).all(axis=1)
    if used is not None:
        bad &= used
    if bad.any():
        taking = f"{int(bad.sum())} of {len(bad) if used is None else int(used.sum())} cells that take part"
        raise ValueError(
            f"{where} has NaN or infinite values for {taking}: {listing(adata.obs_names[bad])}; compute it for them, "
            "or leave them out (adata[…].copy(), or no label in groupby)"
        )


def _per_gene(
    adata: AnnData, argument: str, spec: Any, gene_symbols: str | None, others: float | None = None
) -> tuple[pd.Series, str]:
    """The values (d,) that a column's name, an array or a Series by gene name means, and how to call them.

    ``others`` is the value of genes that a Series does not name; None where each must have one of its own.
    """
    if isinstance(spec, str):
        if spec not in adata.var.columns:
            raise not_found(argument, spec, "adata.var", adata.var.columns)
        return adata.var[spec], f"{argument}={spec!r}"
    name = f"{argument} ({type(spec).__name__})"
    if isinstance(spec, Mapping):
        spec = pd.Series(spec)
    if isinstance(spec, pd.Series):
        known = pd.Index(gene_labels(adata, adata.var_names, gene_symbols))
        twice = spec.index[spec.index.duplicated() & spec.index.isin(known)].unique()
        if len(twice):
            raise ValueError(f"{name} names genes more than once: {listing(twice)}")
        absent = known.difference(spec.index, sort=False)
        if len(absent):
            _check_named(adata, name, spec, known, gene_symbols, others)
        spec = _filled(spec, known, others) if len(absent) else spec.loc[known]
        spec = spec.set_axis(adata.var_names)
    else:
        spec = np.asarray(spec)
    if spec.shape != (adata.n_vars,):
        raise ValueError(f"{name} has shape {spec.shape}; expected ({adata.n_vars},), one value a gene")
    return pd.Series(spec, index=adata.var_names), name


def _filled(spec: pd.Series, genes: pd.Index, others: float | None) -> pd.Series:
    """The values of the genes, ``others`` for those that have none; a missing value that was given stays missing."""
    named = spec[spec.index.isin(genes)]
    return named.reindex(genes).where(genes.isin(named.index), others)


def _check_named(
    adata: AnnData, name: str, spec: pd.Series, known: pd.Index, gene_symbols: str | None, others: float | None
) -> None:
    """Refuse a Series that leaves genes without a value, or say how many it names where the others have one."""
    absent, unknown = known.difference(spec.index, sort=False), spec.index.difference(known, sort=False)
    if others is None:
        raise NotFoundError(f"{name} has no value for {len(absent)} genes, expected one for each: {listing(absent)}")
    found, where = len(known) - len(absent), names_of_genes(gene_symbols)
    if not found:
        raise NotFoundError(
            f"{name} names no gene of {where} ({listing(known[:3])}, …); found: {listing(unknown)}"
            + column_words(adata.var, unknown, gene_symbols)
        )
    said = f"{name} names {found} of {len(known)} genes; the others have {others:g} each"
    if len(unknown):
        warn(f"{said}; not in {where}: {listing(unknown)}")
    else:
        logger.info("%s", said)


def gene_mask(
    adata: AnnData, mask_var: str | np.ndarray | pd.Series | None, gene_symbols: str | None = None
) -> np.ndarray:
    """Which genes may be used, bool (d,).

    Parameters
    ----------
    adata
        Annotated data.
    mask_var
        Boolean column of ``adata.var``, boolean array (d,), Series or dict by gene name, or None for all genes.
    gene_symbols
        Column of ``adata.var`` by which a Series or dict names genes; by ``var_names`` if None.

    Raises
    ------
    KeyError
        If the column, or a gene in the Series, is not there.
    ValueError
        If it is not boolean, has missing values or another length, or leaves no gene.
    """
    if mask_var is None:
        return np.ones(adata.n_vars, dtype=bool)
    values, name = _per_gene(adata, "mask_var", mask_var, gene_symbols)
    odd = [value for value in values if not isinstance(value, bool | np.bool_)]
    if odd:
        raise ValueError(
            f"{name} has dtype {values.dtype}; expected booleans, True or False for every gene; found: {listing(odd)}"
        )
    mask = np.array(list(values), dtype=bool)
    if not mask.any():
        raise ValueError(f"{name} leaves no gene")
    return mask


def gene_costs(
    adata: AnnData, spec: str | np.ndarray | pd.Series | None, gene_symbols: str | None = None
) -> np.ndarray:
    """Price of every gene, float64 (d,); infinite: forbidden.

    Parameters
    ----------
    adata
        Annotated data.
    spec
        Column of ``adata.var``, array (d,), Series or dict by gene name (1 for the genes that it does not name), or
        None for 1 each.
    gene_symbols
        Column of ``adata.var`` by which a Series or dict names genes; by ``var_names`` if None.

    Raises
    ------
    KeyError
        If the column is not there, or the Series names no gene of ``adata``.
    ValueError
        If the costs are not numbers, are negative or NaN, have another length, or forbid every gene.
    """
    if spec is None:
        return np.ones(adata.n_vars)
    values, name = _per_gene(adata, "gene_costs", spec, gene_symbols, others=1.0)
    odd = [value for value in values if isinstance(value, str | bool | np.bool_)]  # digits stored as text are no prices
    if odd:
        raise ValueError(f"{name} holds {'text' if isinstance(odd[0], str) else 'truth values'}; expected numbers")
    try:
        costs = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} has dtype {values.dtype}; expected numbers") from error
    bad = np.flatnonzero(~(costs >= 0))
    if bad.size:
        shown = [f"{adata.var_names[g]}: {costs[g]}" for g in bad]
        raise ValueError(f"{name} must be 0 or above (inf forbids a gene); found {listing(shown)}")
    if not np.isfinite(costs).any():
        raise ValueError(f"{name} forbids every gene")
    return costs


def _first_values(X: Any) -> np.ndarray:
    """The stored values of the first rows of X, without the NaN of cells that take no part."""
    _, block = next(row_blocks(X, LOOK_BYTES))
    values = np.asarray(block.data if sparse.issparse(block) else block)
    return values if values.dtype.kind != "f" or np.isfinite(values).all() else values[np.isfinite(values)]


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
        warn(
            f"{name} looks like raw counts (whole numbers up to {values.max():g}); explanations read best on "
            "normalised log values: sc.pp.normalize_total(adata); sc.pp.log1p(adata)"
        )
    return counts


def warn_if_scaled(adata: AnnData, layer: str | None) -> bool:
    """Warn if ``adata.X`` has negative values (scaled) while ``adata.raw`` exists.

    Returns
    -------
    Whether there was a hint.
    """
    if layer is not None or adata.raw is None:
        return False
    values = _first_values(adata.X)
    scaled = bool(values.size and values.min() < 0)
    if scaled:
        warn(
            "adata.X has negative values, as after sc.pp.scale, and adata.raw exists: amounts will be in scaled units. "
            "To explain expression, use adata.raw.to_adata() or put the unscaled values in a layer and give layer=…"
        )
    return scaled
