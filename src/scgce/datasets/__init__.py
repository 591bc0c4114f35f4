"""The paper's benchmarks and simulated cells, as AnnData."""

from __future__ import annotations

from ._simulate import simulated_cells

__all__ = ["simulated_cells"]
