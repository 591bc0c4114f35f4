"""Figures 4 to 6: what correctness and coverage say when two groups have equal or unequal spread."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection

from scgce.core.score.epsilon import epsilon_from
from scgce.core.score.metrics import score_pairs

from .output import save_figure, save_table
from .settings import Settings

CENTRES = np.array([[0.0, 0.0], [4.0, 2.0]])
#: Figure -> (spread of group 0, spread of group 1, source of the translation that is drawn).
CASES = {"fig4": (1.0, 1.0, 0), "fig5": (0.35, 1.0, 0), "fig6": (0.35, 1.0, 1)}


def run(settings: Settings) -> None:
    rows = []
    figure, axes = plt.subplots(1, 3, figsize=(13, 4))
    for ax, (name, (spread0, spread1, source)) in zip(axes, CASES.items(), strict=True):
        rng = np.random.default_rng(0)
        groups = [c + s * rng.normal(size=(100, 2)) for c, s in zip(CENTRES, (spread0, spread1), strict=True)]
        target = 1 - source
        # r(x) = x and the translation is the difference between means.
        moved = groups[source] + groups[target].mean(axis=0) - groups[source].mean(axis=0)
        embedded = [torch.from_numpy(g) for g in groups]
        epsilon = epsilon_from(embedded, rule="max")
        scores = score_pairs(lambda i, j, moved=moved: torch.from_numpy(moved), embedded, epsilon, [(source, target)])
        entry = {"figure": name, "spread_0": spread0, "spread_1": spread1, "source": source, "target": target}
        entry |= {"epsilon": epsilon, "correctness": scores.correctness[source, target]}
        entry |= {"coverage": scores.coverage[source, target]}
        rows.append(entry)
        draw(ax, groups, moved, target, entry)
    save_table(pd.DataFrame(rows), "fig4_6_variance", settings)
    save_figure(figure, "fig4_6_variance", settings)


def draw(ax: Axes, groups: list[np.ndarray], moved: np.ndarray, target: int, entry: dict[str, float]) -> None:
    for group, colour, number in zip(groups, ("tab:blue", "tab:orange"), (0, 1), strict=True):
        ax.scatter(*group.T, s=14, color=colour, label=f"group {number}")
    ax.scatter(*moved.T, s=14, color="black", marker="x", label=f"group {1 - target}, translated")
    width = np.full(len(groups[target]), 2 * entry["epsilon"])
    balls = EllipseCollection(
        width, width, 0 * width, units="xy", offsets=groups[target], offset_transform=ax.transData, facecolor="none"
    )
    balls.set(edgecolor="red", alpha=0.15)
    ax.add_collection(balls)
    ax.set(aspect="equal", title=f"correctness {entry['correctness']:.2f}, coverage {entry['coverage']:.2f}")
    ax.legend(fontsize="small", loc="upper left")
