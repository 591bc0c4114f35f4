"""Global Counterfactual Explanations for single-cell data.

``tl`` computes, ``get`` reads results as tidy frames, ``pl`` draws them, ``datasets`` makes or fetches data; ``report``
writes a result as one HTML page.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import datasets, get, pl, tl
    from ._report import report

__all__ = ["__version__", "datasets", "get", "pl", "report", "tl"]


def __getattr__(name: str) -> Any:
    # Loaded when first used: `scgce --help` and a plain import need neither torch nor scanpy.
    if name == "report":
        return import_module("._report", __name__).report
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
