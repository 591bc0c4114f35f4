"""Penalties on translations: one contract (`Penalty`).

`Pairwise` (the paper; `Separate` of some pairs), `Gap` (plausible) and `L1` keep it.
"""

from __future__ import annotations

from .base import Penalty
from .families import exponent_of, rank_weights, split_prices
from .gap import Gap
from .l1 import L1
from .pairwise import Pairwise
from .separate import Separate

__all__ = ["L1", "Gap", "Pairwise", "Penalty", "Separate", "exponent_of", "rank_weights", "split_prices"]
