"""A stored panel: what ``adata.uns["panel"]`` holds, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from anndata import AnnData

from scgce._api.errors import not_found

from .layout import PARAMS

SHAPES: dict[str, tuple[str, ...]] = {
    "groups": ("l",),
    "genes": ("k",),
    "costs": ("k",),
    "fixed": ("k",),
    "bound": ("k",),
    "accuracy": ("k",),
    "means": ("l", "k"),
    "helped": ("k", "2"),
    "worst": ("k", "2"),
    "recall": ("l",),
    "distance": ("l", "l"),
    "pair_accuracy": ("l", "l"),
}
OPTIONAL: dict[str, tuple[str, ...]] = {"share": ("k",), "worst_share": ("k",), "validation": ("m",)}
NAMES = ("groups", "genes")


def is_panel(entry: Any) -> bool:
    """Whether an entry of ``adata.uns`` was written by ``tl.panel``."""
    params = entry.get(PARAMS) if isinstance(entry, Mapping) else None
    return isinstance(params, Mapping) and str(params.get("kind", "")) == "panel"


def read_panel(adata: AnnData, key: str) -> dict[str, Any]:
    """The panel stored in ``adata.uns[key]``, its arrays as numpy.

    Raises
    ------
    KeyError
        If there is no panel under the key.
    ValueError
        If fields are missing or do not fit together.
    """
    if not is_panel(adata.uns.get(key)):
        present = [name for name, entry in adata.uns.items() if is_panel(entry)]
        hint = "" if present else "; run scgce.tl.panel(adata, …) first"
        raise not_found("key", key, "the panels of adata.uns", present, hint=hint)
    entry, where = adata.uns[key], f"adata.uns[{key!r}]"
    missing = [name for name in SHAPES if name not in entry]
    if missing:
        raise ValueError(f"{where} is not a complete panel; missing: {', '.join(missing)}")
    found: dict[str, Any] = {PARAMS: dict(entry[PARAMS])}
    sizes = {"l": np.size(entry["groups"]), "k": np.size(entry["genes"]), "2": 2}
    for name, shape in {**SHAPES, **OPTIONAL}.items():
        if name in entry:
            found[name] = _checked(entry[name], name, shape, sizes, where)
    curve = entry.get("curve", {})
    found["curve"] = {name: np.atleast_1d(np.asarray(values)) for name, values in curve.items()}
    if len({len(values) for values in found["curve"].values()}) > 1:
        raise ValueError(f"{where}['curve'] has columns of different lengths; the entry was damaged")
    return found


def _checked(value: Any, name: str, shape: tuple[str, ...], sizes: dict[str, int], where: str) -> Any:
    array = np.asarray(value)
    expected = tuple(sizes.get(letter, np.size(value)) for letter in shape)
    if array.shape != expected:
        raise ValueError(f"{where}[{name!r}] has shape {array.shape}; expected {expected}; the entry was damaged")
    if name in NAMES:
        return np.array([str(one) for one in array], dtype=object)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{where}[{name!r}] holds {array.dtype}; expected numbers; the entry was damaged")
    return array
