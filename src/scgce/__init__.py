"""Global Counterfactual Explanations for single-cell data.

``tl`` computes, ``get`` reads results as tidy frames, ``pl`` draws them, ``datasets`` makes or fetches data.
"""

from __future__ import annotations

__version__ = "0.1.0"

from . import datasets, get, pl, tl  # noqa: E402

__all__ = ["__version__", "datasets", "get", "pl", "tl"]
