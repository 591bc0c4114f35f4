"""One figure: what the amplitude buys and costs, and where the baselines stand."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd

from .cells import FRONTIER

SHOWN = ("difference of means", "lasso per pair", "Wilcoxon")


def frontier(table: pd.DataFrame, sparsity: int, file: Path) -> None:
    """Mean of correctness and coverage against the mean of the judges, one panel a data set and representation."""
    table = table[table["sparsity"] == sparsity].assign(
        map=lambda t: t[["correctness", "coverage"]].mean(axis=1),
        judged=lambda t: t[["judge_logreg", "judge_knn"]].mean(axis=1),
    )
    panels = list(table.groupby(["dataset", "encoder"], sort=False))
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4 * columns, 3.6 * rows), squeeze=False, sharex=True, sharey=True
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, ((dataset, encoder), part) in zip(axes.flat, panels, strict=False):
        ours = part[part["method"].isin(FRONTIER)].set_index("method").reindex(FRONTIER).dropna()
        ax.plot(ours["map"], ours["judged"], "o-", color="tab:red", label="refine, by amplitude c")
        for name, row in ours.iterrows():
            ax.annotate(
                str(name).split("=")[1],
                (row["map"], row["judged"]),
                fontsize=7,
                xytext=(3, 3),
                textcoords="offset points",
            )
        for marker, name in zip("s^v", SHOWN, strict=True):
            row = part[part["method"] == name]
            ax.plot(row["map"], row["judged"], marker, color="grey", label=name)
        ax.set(title=f"{dataset}, {encoder}, k={sparsity}", xlim=(0, 1), ylim=(0, 1))
        ax.set(xlabel="correctness and coverage", ylabel="judges")
    axes.flat[0].legend(fontsize=6, loc="lower right")
    figure.tight_layout()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)
