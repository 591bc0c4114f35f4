"""The paper's three tables and the choices that it made for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anndata as ad

from scgce.datasets import boston_housing, heart_disease, iris


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
