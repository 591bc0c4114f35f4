"""Figures 4 to 6: what correctness and coverage say when two groups have equal or unequal spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from scgce.core.score.epsilon import epsilon_from
from scgce.core.score.metrics import score_pairs

from .studies import Settings

CENTRES = np.array([[0.0, 0.0], [4.0, 2.0]])
#: Figure -> (spread of group 0, spread of group 1, source of the translation that is drawn).
CASES = {"fig4": (1.0, 1.0, 0), "fig5": (0.35, 1.0, 0), "fig6": (0.35, 1.0, 1)}


def run(settings: Settings) -> None:
    rows = []
    for name, (spread0, spread1, source) in CASES.items():
        rng = np.random.default_rng(0)
        groups = [c + s * rng.normal(size=(100, 2)) for c, s in zip(CENTRES, (spread0, spread1), strict=True)]
        target = 1 - source
        # r(x) = x and the translation is the difference between means.
        moved = torch.from_numpy(groups[source] + groups[target].mean(axis=0) - groups[source].mean(axis=0))
        embedded = [torch.from_numpy(g) for g in groups]
        epsilon = epsilon_from(embedded, rule="max")
        scores = score_pairs(lambda i, j, moved=moved: moved, embedded, epsilon, [(source, target)])
        row = {"figure": name, "spread_0": spread0, "spread_1": spread1, "source": source, "target": target}
        row |= {"epsilon": epsilon, "correctness": scores.correctness[source, target]}
        rows.append(row | {"coverage": scores.coverage[source, target]})
    settings.table(pd.DataFrame(rows), "fig4_6_variance")
