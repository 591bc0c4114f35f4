"""What every experiment is told: how many seeds, how long, where to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"

#: Fit as the paper does: exact Eq. 9, the k largest changes of each pair, everything chosen and scored on all cells.
PAPER = {"method": "truncate", "amplitude": None, "validation_fraction": 0.0, "judges": False}


@dataclass(frozen=True)
class Settings:
    """One run of the benchmarks."""

    quick: bool = False
    results: Path = HERE / "results"
    cache: Path = HERE / ".cache"
    jobs: int = 2

    @property
    def seeds(self) -> range:
        """Encoder seeds."""
        return range(2 if self.quick else 10)
