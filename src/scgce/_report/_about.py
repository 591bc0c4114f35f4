"""Where a result comes from: parameters, fidelity of the encoder, versions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from anndata import AnnData

from scgce import __version__
from scgce.store.result import Result

PACKAGES = ("anndata", "scanpy", "numpy", "scipy", "torch")


def about(adata: AnnData, result: Result) -> dict[str, Any]:
    """
    Name and value pairs of text for the page's last section.

    Returns
    -------
    ``data``, ``fidelity``, ``params`` and ``versions``; also the number ``epsilon`` and the distance between groups.
    """
    encoder = result.raw.get("encoder", {})
    fidelity = dict(encoder.get("fidelity", {})) if isinstance(encoder, Mapping) else {}
    described = {name: encoder[name] for name in ("name", "kind", "n_dims") if name in encoder}
    return {
        "data": _pairs({"cells": adata.n_obs, "genes": adata.n_vars, "groups": len(result.groups)} | _split(result)),
        "fidelity": {str(name): float(value) for name, value in fidelity.items()},
        "encoder": _pairs(described),
        "params": _pairs(dict(result.params)),
        "versions": _pairs({"scgce (this page)": __version__, "Python": platform.python_version()} | _versions()),
        "epsilon": result.epsilon,
        "distance": float(result.raw.get("center_distance", np.nan)),
    }


def _split(result: Result) -> dict[str, int]:
    split = np.asarray(result.raw.get("split", []))
    names = {0: "cells that fit", 1: "cells that select", 2: "cells that are reported", -1: "cells in no group"}
    return {name: int((split == part).sum()) for part, name in names.items() if (split == part).any()}


def _pairs(values: Mapping[str, Any]) -> list[list[str]]:
    return [[str(name), _text(value)] for name, value in values.items()]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value == "" else str(value)


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
