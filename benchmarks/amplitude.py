"""What bounding the amounts costs and buys, on cells that took no part in the fit.

``python -m benchmarks.amplitude`` prints the table: the 700 blood cells that scanpy brings and, where they are at hand,
pbmc3k, the retina and paul15; their distilled UMAPs; a row for every number of genes per pair and amplitude, and the
difference of means cut to as many genes. ``off_manifold`` is the median distance of translated cells to real cells of
the target in PCA space, in units of the target's own spacing; ``beyond_max`` the share of amounts that are larger than
the gene's largest value in any cell.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
BROUGHT = "pbmc68k"
DBM = "difference of means"


def rows(dataset: str, method: str, amplitude: str) -> pd.DataFrame:
    """Means over all ordered pairs, one row for every sparsity."""
    adata, groupby, options = _embedded(dataset)
    if method == DBM:
        scgce.tl.dbm(adata, groupby, sparsity=SPARSITIES, key_added="tgt", device="cpu", **options)
    else:
        c = None if amplitude == "∞" else float(amplitude)
        scgce.tl.tgt(adata, groupby, sparsity=SPARSITIES, amplitude=c, device="cpu", **options)
    largest = np.asarray(adata.X.max(axis=0).todense()).ravel()
    labels = {"dataset": dataset, "method": method, "amplitude": amplitude}
    found = []
    for k in SPARSITIES:
        scgce.tl.evidence(adata, "tgt", sparsity=k, n_permutations=0, doses=(1.0,))
        parts = [
            scgce.get.explanation(adata, str(i), str(j), sparsity=k)
            for i in adata.uns["tgt"]["groups"]
            for j in adata.uns["tgt"]["groups"]
            if i != j
        ]
        genes = pd.concat(parts)
        beyond = genes["delta"].abs().to_numpy() > largest[adata.var_names.get_indexer(genes["gene"])]
        means = scgce.get.metrics(adata, sparsity=k)[NAMES].mean()
        far = scgce.get.evidence(adata)["off_manifold"].median()
        found.append({**labels, "genes": k, **means, "off_manifold": far, "beyond_max": beyond.mean()})
    return pd.DataFrame(found)


def _embedded(dataset: str) -> tuple[AnnData, str, dict[str, Any]]:
    """The cells, their groups and what names their map."""
    if dataset != BROUGHT:
        return *cells.embedded(dataset, "UMAP", quick=False), {"use_rep": cells.STUDENT}
    adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
    return adata, "bulk_labels", {"encoder": resolve(adata, use_rep="X_umap")}


def _given(amplitudes: Sequence[float | None]) -> list[tuple[str, str]]:
    """Methods and amplitudes, a row of the table for every sparsity of each."""
    return [("refine", "∞" if c is None else format(c, "g")) for c in amplitudes] + [(DBM, "1")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    arguments = parser.parse_args()
    cells.forget()
    sets = [BROUGHT, *(cells.SETS if (SHARED / "data").is_dir() else ())]
    tasks = [
        Task("amplitude", rows, {"dataset": name, "method": method, "amplitude": amplitude})
        for name in sets
        for method, amplitude in _given(AMPLITUDES if name == BROUGHT else FEWER)
    ]
    table = run(tasks, arguments.jobs, lambda *_: None, {})["amplitude"]
    table = table.sort_values(["dataset", "genes"], kind="stable")
    for name, part in table.groupby("dataset"):
        file = RESULTS / ("amplitude.csv" if name == BROUGHT else f"amplitude_{name}.csv")
        part.drop(columns="dataset").to_csv(file, index=False, float_format="%.2f", lineterminator="\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))


if __name__ == "__main__":
    main()
