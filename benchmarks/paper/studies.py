"""The paper's three tables, the choices that it made for each, and what every experiment is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from benchmarks._run import write
from scgce.datasets import boston_housing, heart_disease, iris

HERE = Path(__file__).resolve().parent

CONVENTION = {"validation_fraction": 0.0, "judges": False, "clip": None}
"""As the authors did: all cells fit, choose and are scored, and translated ones may lie anywhere."""
PAPER = CONVENTION | {"method": "truncate", "amplitude": None}
"""Fit as the paper does: exact Eq. 9, the k largest changes of each pair."""


@dataclass(frozen=True)
class Study:
    """A table, its number of groups, its sparsities, its label, and how long scvis is trained.

    The map of a small table with few distinct values falls apart into its levels when trained for long; the numbers of
    passes were set by eye to give maps as diffuse as the published ones, before anything was explained.
    """

    load: Callable[..., ad.AnnData]
    title: str
    n_groups: int
    sparsities: tuple[int, ...]
    shown: int
    label: str
    epochs: int


STUDIES = {
    "iris": Study(iris, "Iris", 3, (1, 2, 3, 4), 1, "species", 600),
    "boston_housing": Study(boston_housing, "Boston Housing", 6, (1, 3, 5, 7, 9, 11, 13), 5, "MEDV", 150),
    "heart_disease": Study(heart_disease, "Heart Disease", 8, (1, 3, 5, 7, 9, 11, 13), 3, "heart_disease", 150),
}


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

    def table(self, frame: pd.DataFrame, name: str) -> None:
        """Write ``name.csv`` with four decimals, so that a rerun on another machine differs little."""
        write(frame, self.results / f"{name}.csv", ".4f")

    def figure(self, figure: Figure, name: str) -> None:
        """Write ``name.png`` and close the figure."""
        self.results.mkdir(parents=True, exist_ok=True)
        # Without the date and version of the software the file depends on the drawing only.
        figure.savefig(self.results / f"{name}.png", dpi=110, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)
