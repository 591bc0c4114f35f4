"""Figure 7: how correctness and coverage depend on the number of features."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import scgce

from . import maps
from .studies import STUDIES, Settings

CURVES = ["correctness", "coverage", "similarity", "dbm_correctness", "dbm_coverage"]


def run(settings: Settings) -> None:
    table = pd.concat(maps.each(one, settings, STUDIES), ignore_index=True)
    settings.table(table, "fig7_tradeoff")
    draw(table, settings)


def one(name: str, seed: int, settings: Settings) -> pd.DataFrame:
    """Sweep of one encoder."""
    adata = maps.load(name, seed, settings)
    frame = scgce.get.sweep(adata, include_self=True)[["sparsity", "lam", *CURVES]]
    frame.insert(0, "dataset", name)
    frame.insert(1, "seed", seed)
    return frame.assign(n_groups=adata.obs["group"].cat.categories.size, epsilon=float(adata.uns["tgt"]["epsilon"]))


def draw(table: pd.DataFrame, settings: Settings) -> None:
    """Mean over seeds with the range from the second lowest to the second highest decile."""
    figure, axes = plt.subplots(1, len(STUDIES), figsize=(5 * len(STUDIES), 4), sharey=True)
    styles = {"correctness": ("tab:blue", "-"), "coverage": ("tab:orange", "-"), "similarity": ("tab:green", "-")}
    styles |= {"dbm_correctness": ("tab:blue", ":"), "dbm_coverage": ("tab:orange", ":")}
    for ax, (name, study) in zip(axes, STUDIES.items(), strict=True):
        part = table[table["dataset"] == name]
        for column, (colour, line) in styles.items():
            by_sparsity = part.groupby("sparsity")[column]
            mean = by_sparsity.mean().dropna()
            low, high = by_sparsity.quantile(0.1)[mean.index], by_sparsity.quantile(0.9)[mean.index]
            name_shown = column.replace("dbm_", "DBM ") if column.startswith("dbm") else f"TGT {column}"
            ax.plot(mean.index, mean, color=colour, linestyle=line, marker="o", markersize=3, label=name_shown)
            ax.fill_between(mean.index, low, high, color=colour, alpha=0.08)
        ax.set(title=study.title, xlabel="features per pair (k)", ylim=(0, 1.02))
        ax.set_xticks(np.array(study.sparsities))
    axes[0].set_ylabel("mean over pairs and seeds")
    axes[-1].legend(fontsize="small", loc="lower right")
    settings.figure(figure, "fig7_tradeoff")
