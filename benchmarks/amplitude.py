"""What bounding the amounts costs and buys, on cells that took no part in the fit, kept within the genes' ranges.

``python -m benchmarks.amplitude`` prints a table, of the 700 blood cells that scanpy brings and, where they are at
hand, pbmc3k, the retina and paul15, in their distilled UMAPs: a row for every number of genes per pair and amplitude,
and beside it the difference of means cut to as many genes times its best factor up to the same amplitude
(``dbm_scaled_*``).
``selected`` marks what ``sparsity="auto"`` selects. ``off_manifold`` is the median distance of translated cells to real
cells of the target in PCA space, in units of the target's own spacing; ``beyond_max`` the share of amounts that are
larger than the gene's largest value in any cell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from anndata import AnnData

import scgce
from scgce.encoders import resolve

from ._cells import FILES, blood, here
from ._run import command, grown, publish
from .faithfulness import cells

AMPLITUDES = (2.0, 3.0, 5.0, 10.0, None)
SHOWN_SPARSITIES = (5, 10, 20, 50)
NAMES = ["correctness", "coverage", "judge_logreg", "judge_knn"]
SCALED = ["dbm_scaled_correctness", "dbm_scaled_coverage", "dbm_factor"]
RESULTS = Path(__file__).parent
BROUGHT = "pbmc68k"


def named(amplitude: float | None) -> str:
    """An amplitude in words, ∞ for none."""
    return "∞" if amplitude is None else format(amplitude, "g")


SHOWN = [named(c) for c in AMPLITUDES]


class Job(NamedTuple):
    """One bound in one set of cells."""

    dataset: str
    amplitude: str


def rows(job: Job) -> pd.DataFrame:
    """Means over all ordered pairs, one row for every sparsity."""
    adata, groupby, options = _embedded(job.dataset)
    c = None if job.amplitude == "∞" else float(job.amplitude)
    scgce.tl.tgt(adata, groupby, amplitude=c, device="cpu", **options)
    selected = int(adata.uns["tgt"]["params"]["sparsity_selected"])
    sweep = scgce.get.sweep(adata).set_index("sparsity")
    adata.uns["tgt"]["sweep"]["lam"][:] = 0  # then evidence seeks no price of consistency, which takes longest
    found = []
    for k in sorted({*SHOWN_SPARSITIES, selected}):
        labels = {"genes": k, "selected": "*" if k == selected else ""}
        found.append({**job._asdict(), **labels, **_scores(adata, k), **sweep.loc[k, SCALED]})
    return pd.DataFrame(found)


def _scores(adata: AnnData, k: int) -> dict[str, float]:
    scgce.tl.evidence(adata, "tgt", sparsity=k, n_permutations=0, n_random=0, doses=(1.0,))
    groups = adata.uns["tgt"]["groups"].tolist()
    parts = [scgce.get.explanation(adata, i, j, sparsity=k) for i in groups for j in groups if i != j]
    genes = pd.concat(parts)
    largest = np.asarray(adata.X.max(axis=0).todense()).ravel()
    beyond = genes["delta"].abs().to_numpy() > largest[adata.var_names.get_indexer(genes["gene"])]
    means = scgce.get.metrics(adata, sparsity=k)[NAMES].mean()
    far = scgce.get.evidence(adata)["off_manifold"].median()
    return {**means, "off_manifold": far, "beyond_max": beyond.mean()}


def _embedded(dataset: str) -> tuple[AnnData, str, dict[str, Any]]:
    """The cells, their groups and what names their map."""
    if dataset != BROUGHT:
        return *cells.embedded(dataset, "UMAP", quick=False), {"use_rep": cells.STUDENT}
    adata = blood()
    return adata, "bulk_labels", {"encoder": resolve(adata, use_rep="X_umap")}


def draw(table: pd.DataFrame, file: Path) -> None:
    """Scores and distance against the amplitude: a column for every set of cells, a line for every number of genes."""
    measures = {
        "correctness,\ncoverage": table[["correctness", "coverage"]].mean(axis=1),
        "judges": table[["judge_logreg", "judge_knn"]].mean(axis=1),
        "distance to\nreal cells": table["off_manifold"],
    }
    labels = table[["dataset", "genes"]].assign(amplitude=pd.Categorical(table["amplitude"], SHOWN))
    long = pd.concat([labels.assign(measure=name, value=own) for name, own in measures.items()])
    grid = sns.relplot(
        long[long["genes"].isin(SHOWN_SPARSITIES)].astype({"genes": str}),
        kind="line",
        marker="o",
        palette="viridis_r",
        **{"x": "amplitude", "y": "value", "hue": "genes", "row": "measure", "col": "dataset"},
        **{"height": 2.2, "aspect": 1.1, "facet_kws": {"sharey": "row", "margin_titles": True}},
    )
    grid.set_titles(col_template="{col_name}", row_template="{row_name}")
    grid.set_ylabels("")
    grid.savefig(file, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    asked = command(__doc__, "jobs", "keep").parse_args()
    cells.forget()
    jobs, file = [Job(name, c) for name in (BROUGHT, *filter(here, FILES)) for c in SHOWN], RESULTS / "amplitude.csv"
    table = grown(rows, jobs, file, most=asked.jobs, keep=asked.keep, form=".2f")
    table = table.sort_values(["dataset", "genes"], kind="stable")
    publish(table, file, ".2f")
    draw(table, RESULTS / "amplitude.png")
