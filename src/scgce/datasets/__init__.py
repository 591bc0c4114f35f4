"""The paper's benchmarks and simulated cells, as AnnData; the Hallmark gene sets."""

from __future__ import annotations

from ._bipolar import bipolar
from ._boston_housing import boston_housing
from ._hallmark import hallmark
from ._heart_disease import heart_disease
from ._iris import iris
from ._modified import MODIFICATIONS, Modification, modified
from ._simulate import simulated_cells
from ._synthetic import synthetic

__all__ = [
    "MODIFICATIONS",
    "Modification",
    "bipolar",
    "boston_housing",
    "hallmark",
    "heart_disease",
    "iris",
    "modified",
    "simulated_cells",
    "synthetic",
]
