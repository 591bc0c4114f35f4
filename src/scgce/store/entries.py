"""Results in ``adata.uns``: written whole or not at all, checked when read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from anndata import AnnData
from scipy import sparse

from scgce import __version__
from scgce._api.errors import listing, not_found

from .layout import DAMAGED, NUMBERS, PARAMS, REQUIRED, VERSION, check_fields, check_params


def _is_explanation(entry: Any) -> bool:
    params = entry.get(PARAMS) if isinstance(entry, Mapping) else None
    return isinstance(params, Mapping) and VERSION in params and "deltas" in entry


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
        present = [name for name, entry in adata.uns.items() if _is_explanation(entry)]
        hint = "" if present else "; run scgce.tl.tgt(adata, …) first"
        raise not_found("key", key, "the scgce results of adata.uns", present, hint=hint)
    entry = adata.uns[key]
    if not isinstance(entry, Mapping) or not isinstance(entry.get(PARAMS), Mapping):
        raise ValueError(f"adata.uns[{key!r}] was not written by scgce (it has no 'params'); give another key")
    if entry[PARAMS].get("kind") == "panel":
        raise ValueError(
            f"adata.uns[{key!r}] is a panel of genes, no explanation; scgce.get.panel and scgce.pl.panel read it"
        )
    missing = [field for field in REQUIRED if field not in entry]
    if missing:
        raise ValueError(f"adata.uns[{key!r}] is not a complete scgce explanation; missing: {listing(missing)}")
    where = f"adata.uns[{key!r}]"
    _check_shapes(entry, where)
    found = check_fields(entry, where, np.size(entry["groups"]), np.size(entry["genes"]))
    found[PARAMS] = check_params({name: _plain(value) for name, value in entry[PARAMS].items()}, f"{where}['params']")
    for field in ("groups", "genes"):
        found[field] = np.array([str(name) for name in entry[field]], dtype=object)
    found["epsilon"] = float(entry["epsilon"])
    return found


def _check_shapes(entry: Mapping[str, Any], where: str) -> None:
    n_groups, n_genes = (np.size(entry[field]) for field in ("groups", "genes"))
    expected = {
        "groups": (n_groups,),
        "genes": (n_genes,),
        "deltas": (n_groups, n_genes),
        "correctness": (n_groups, n_groups),
        "coverage": (n_groups, n_groups),
    }
    for field, shape in expected.items():
        found = getattr(entry[field], "shape", None)
        if found != shape or 0 in shape:
            raise ValueError(
                f"{where}[{field!r}] has shape {found}; expected {shape} for {n_groups} groups and {n_genes} genes: "
                f"{DAMAGED}"
            )
    for field in ("deltas", "correctness", "coverage"):
        if entry[field].dtype.kind not in NUMBERS:
            raise ValueError(f"{where}[{field!r}] holds {entry[field].dtype}; expected numbers: {DAMAGED}")
    if np.ndim(entry["epsilon"]) != 0 or np.asarray(entry["epsilon"]).dtype.kind not in NUMBERS:
        raise ValueError(f"{where}['epsilon'] is {entry['epsilon']!r}; expected one number")
    if not 0 <= float(entry["epsilon"]) < np.inf:
        raise ValueError(f"{where}['epsilon'] is {entry['epsilon']!r}; expected a distance: {DAMAGED}")


def _plain(value: Any) -> Any:
    """A parameter as it was before a file turned numbers into numpy's and lists into arrays."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


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
    elif isinstance(value, np.ndarray) and value.dtype == object:
        if not all(isinstance(inner, str) for inner in value.flat):
            raise TypeError(f"{where} is an object array that holds something else than strings")
    elif not isinstance(
        value, str | bool | int | float | np.ndarray | np.generic | sparse.csr_matrix | sparse.csr_array
    ):
        raise TypeError(f"{where} is a {type(value).__name__}, which cannot be stored")
