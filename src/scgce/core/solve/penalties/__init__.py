"""Penalties on translations: one contract (`Penalty`), kept by `Pairwise` (the paper), `Gap` (plausible) and `L1`."""

from __future__ import annotations

from .base import Penalty
from .families import exponent_of, rank_weights, split_prices
from .gap import Gap
from .l1 import L1
from .pairwise import Pairwise

__all__ = ["L1", "Gap", "Pairwise", "Penalty", "exponent_of", "rank_weights", "split_prices"]
