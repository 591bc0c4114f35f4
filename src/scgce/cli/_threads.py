"""How many threads the numerical packages use."""

from __future__ import annotations

import os
import sys

VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def limit_threads(count: int | None) -> None:
    """
    Use so many threads from here on; None leaves everything as it is.

    The packages read the environment when they are first imported, which commands do later; those that were
    imported before are told directly.
    """
    if count is None:
        return
    loaded = "numba" in sys.modules
    for variable in VARIABLES:
        if not (loaded and variable.startswith("NUMBA")):  # numba refuses a change after it has started
            os.environ[variable] = str(count)
    if loaded:
        import numba

        numba.set_num_threads(min(count, numba.get_num_threads()))
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(count)
