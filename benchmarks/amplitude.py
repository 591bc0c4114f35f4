"""What bounding the amounts costs and buys, on cells that took no part in the fit.

``python -m benchmarks.amplitude`` prints two tables, of the 700 blood cells that scanpy brings and, where they are at
hand, pbmc3k, the retina and paul15, in their distilled UMAPs: a row for every number of genes per pair and amplitude,
with the difference of means cut to as many genes; and a row for every amplitude with the number of genes that
``sparsity="auto"`` selects. ``off_manifold`` is the median distance of translated cells to real cells of the target in
PCA space, in units of the target's own spacing; ``beyond_max`` the share of amounts that are larger than the gene's
largest value in any cell.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData

import scgce
from scgce.encoders import resolve

from .faithfulness import cells
from .faithfulness.tasks import SHARED, Task, run

AMPLITUDES = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, None)
FEWER = (2.0, 3.0, 5.0, 10.0, None)
"""On the larger sets."""
SPARSITIES = (5, 10, 20, 50)
NAMES = ["correctness", "coverage", "judge_logreg", "judge_knn"]
RESULTS = Path(__file__).parent
FILES = {"genes": "amplitude.csv", "auto": "amplitude_auto.csv"}
MEASURES = {
    "map": "correctness\nand coverage",
    "judges": "judges",
    "off_manifold": "distance to\nreal cells",
}
BROUGHT = "pbmc68k"
DBM = "difference of means"


def named(amplitude: float | None) -> str:
    """As in the tables."""
    return "∞" if amplitude is None else format(amplitude, "g")


SHOWN = [named(c) for c in FEWER]


def rows(dataset: str, method: str, amplitude: str) -> pd.DataFrame:
    """Means over all ordered pairs, one row for every sparsity."""
    adata, groupby, options = _embedded(dataset)
    if method == DBM:
        scgce.tl.dbm(adata, groupby, sparsity=SPARSITIES, key_added="tgt", device="cpu", **options)
    else:
        scgce.tl.tgt(adata, groupby, sparsity=SPARSITIES, amplitude=_number(amplitude), device="cpu", **options)
    labels = {"dataset": dataset, "method": method, "amplitude": amplitude}
    return pd.DataFrame([{**labels, **_scores(adata, k)} for k in SPARSITIES])


def auto(dataset: str, amplitude: str) -> pd.DataFrame:
    """The number of genes that ``sparsity="auto"`` selects, and how good they are."""
    adata, groupby, options = _embedded(dataset)
    scgce.tl.tgt(adata, groupby, amplitude=_number(amplitude), device="cpu", **options)
    selected = int(adata.uns["tgt"]["params"]["sparsity_selected"])
    return pd.DataFrame([{"dataset": dataset, "amplitude": amplitude, **_scores(adata, selected)}])


def _number(amplitude: str) -> float | None:
    return None if amplitude == "∞" else float(amplitude)


def _scores(adata: AnnData, k: int) -> dict[str, float]:
    scgce.tl.evidence(adata, "tgt", sparsity=k, n_permutations=0, doses=(1.0,))
    groups = adata.uns["tgt"]["groups"].tolist()
    parts = [scgce.get.explanation(adata, i, j, sparsity=k) for i in groups for j in groups if i != j]
    genes = pd.concat(parts)
    largest = np.asarray(adata.X.max(axis=0).todense()).ravel()
    beyond = genes["delta"].abs().to_numpy() > largest[adata.var_names.get_indexer(genes["gene"])]
    means = scgce.get.metrics(adata, sparsity=k)[NAMES].mean()
    far = scgce.get.evidence(adata)["off_manifold"].median()
    return {"genes": k, **means, "off_manifold": far, "beyond_max": beyond.mean()}


def _embedded(dataset: str) -> tuple[AnnData, str, dict[str, Any]]:
    """The cells, their groups and what names their map."""
    if dataset != BROUGHT:
        return *cells.embedded(dataset, "UMAP", quick=False), {"use_rep": cells.STUDENT}
    adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
    return adata, "bulk_labels", {"encoder": resolve(adata, use_rep="X_umap")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--only", nargs="+", choices=("genes", "auto"), default=["genes", "auto"])
    arguments = parser.parse_args()
    cells.forget()
    sets = [BROUGHT, *(cells.SETS if (SHARED / "data").is_dir() else ())]
    tasks = []
    for name in sets:
        if "genes" in arguments.only:
            ours = [("refine", named(c)) for c in (AMPLITUDES if name == BROUGHT else FEWER)]
            given = [*ours, (DBM, "1")]
            tasks += [Task("genes", rows, {"dataset": name, "method": m, "amplitude": c}) for m, c in given]
        if "auto" in arguments.only:
            tasks += [Task("auto", auto, {"dataset": name, "amplitude": c}) for c in SHOWN]
    tables = run(tasks, arguments.jobs, lambda *_: None, {})
    for name, table in tables.items():
        shown = table.sort_values(["dataset", "genes"], kind="stable") if name == "genes" else table
        shown.to_csv(RESULTS / FILES[name], index=False, float_format="%.2f", lineterminator="\n")
        print(shown.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    if "genes" in tables:
        draw(tables["genes"], RESULTS / "amplitude.png")


def draw(table: pd.DataFrame, file: Path) -> None:
    """Scores and distance against the amplitude: a column for every set of cells, a line for every number of genes."""
    table = table[table["amplitude"].isin(SHOWN)].assign(
        map=lambda t: t[["correctness", "coverage"]].mean(axis=1),
        judges=lambda t: t[["judge_logreg", "judge_knn"]].mean(axis=1),
    )
    sets = [name for name in (BROUGHT, *cells.SETS) if name in set(table["dataset"])]
    figure, axes = plt.subplots(
        len(MEASURES), len(sets), figsize=(2.9 * len(sets) + 1.2, 7), squeeze=False, sharex=True, sharey="row"
    )
    for column, name in zip(axes.T, sets, strict=True):
        ours = table[(table["dataset"] == name) & (table["method"] == "refine")]
        for ax, measure in zip(column, MEASURES, strict=True):
            for shade, (k, part) in zip(np.linspace(0.35, 0.95, len(SPARSITIES)), ours.groupby("genes"), strict=True):
                values = part.set_index("amplitude").reindex(SHOWN)[measure]
                ax.plot(range(len(SHOWN)), values, "o-", ms=4, color=plt.cm.viridis_r(shade), label=f"{k} genes")
            ax.set_xticks(range(len(SHOWN)), SHOWN)
            ax.grid(alpha=0.3)
            if measure != "off_manifold":
                ax.set_ylim(0, 1)
        column[0].set_title(name)
        column[-1].set_xlabel("amplitude")
    for ax, label in zip(axes[:, 0], MEASURES.values(), strict=True):
        ax.set_ylabel(label)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="center right", frameon=False)
    figure.tight_layout(rect=(0, 0, 0.9, 1))
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
