"""Everything an AnnData holds, as plain values that compare byte by byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse


def frozen(value: Any) -> Any:
    """A nested tuple of types, shapes and bytes."""
    if isinstance(value, str | int | float | None):  # most of what there is
        return (type(value).__name__, repr(value))
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, list | tuple):
        return ("list", tuple(frozen(item) for item in value))
    if isinstance(value, AnnData):
        parts = (value.X, value.obs, value.var, value.uns, value.raw.X if value.raw is not None else None)
        axes = (dict(getattr(value, name)) for name in ("layers", "obsm", "varm", "obsp", "varp"))
        return ("AnnData", *(frozen(part) for part in (*parts, *axes)))
    if isinstance(value, Mapping):
        return ("dict", tuple((str(key), frozen(value[key])) for key in sorted(value, key=str)))
    if isinstance(value, pd.DataFrame):
        columns = tuple((str(name), frozen(value[name])) for name in value.columns)
        return ("frame", frozen(value.index.to_numpy()), columns)
    if isinstance(value, pd.Series):
        codes = (frozen(value.cat.codes.to_numpy()), frozen(value.cat.categories.to_numpy())) if _labels(value) else ()
        return ("column", str(value.dtype), codes or frozen(value.to_numpy()))
    if sparse.issparse(value):
        return (type(value).__name__, value.shape, *(frozen(a) for a in (value.indptr, value.indices, value.data)))
    return (type(value).__name__, repr(value))


def _array(value: np.ndarray) -> Any:
    if value.dtype.names:
        return ("structured", tuple((name, frozen(value[name])) for name in value.dtype.names))
    stored = tuple(value.ravel().tolist()) if value.dtype == object else value.tobytes()
    return ("array", value.shape, value.dtype.str, stored)


def _labels(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)
