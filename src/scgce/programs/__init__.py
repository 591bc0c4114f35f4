"""Gene programmes: sets of genes that move together, learned from the cells or given."""

from __future__ import annotations

from .base import FittingCells, Programs
from .learn import candidates, learn_programs
from .sources import Given, read_given, resolve_programs, with_rest
from .stored import read_programs

__all__ = [
    "FittingCells",
    "Given",
    "Programs",
    "candidates",
    "learn_programs",
    "read_given",
    "read_programs",
    "resolve_programs",
    "with_rest",
]
