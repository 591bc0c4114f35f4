"""Penalties on translations: one contract (`Penalty`), kept by `Pairwise` (the paper) and `Gap` (plausible amounts)."""

from __future__ import annotations

from .base import Penalty
from .families import exponent_of, rank_weights, split_prices
from .gap import Gap
from .pairwise import Pairwise

__all__ = ["Gap", "Pairwise", "Penalty", "exponent_of", "rank_weights", "split_prices"]
