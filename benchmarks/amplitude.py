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
from anndata import AnnData

import scgce
from scgce.encoders import resolve

from ._cells import FILES, blood, here
from ._run import command, grown, publish
from .faithfulness import cells

AMPLITUDES = ("2", "3", "5", "10", "∞")
SHOWN_SPARSITIES = (5, 10, 20, 50)
NAMES = ["correctness", "coverage", "judge_logreg", "judge_knn"]
SCALED = ["dbm_scaled_correctness", "dbm_scaled_coverage", "dbm_factor"]
RESULTS = Path(__file__).parent / "amplitude.csv"
BROUGHT = "pbmc68k"


class Job(NamedTuple):
    """One bound in one set of cells."""

    dataset: str
    amplitude: str


def rows(job: Job) -> pd.DataFrame:
    """Means over all ordered pairs, one row for every sparsity."""
    adata, groupby, options = mapped(job.dataset)
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
    genes = scgce.get.pairs(adata, sparsity=k)
    largest = np.asarray(adata.X.max(axis=0).todense()).ravel()
    beyond = genes["delta"].abs().to_numpy() > largest[adata.var_names.get_indexer(genes["gene"])]
    means = scgce.get.metrics(adata, sparsity=k)[NAMES].mean()
    far = scgce.get.evidence(adata)["off_manifold"].median()
    return {**means, "off_manifold": far, "beyond_max": beyond.mean()}


def mapped(dataset: str) -> tuple[AnnData, str, dict[str, Any]]:
    """The cells, their groups and what names their map."""
    if dataset != BROUGHT:
        return *cells.embedded(dataset, "UMAP", quick=False), {"use_rep": cells.STUDENT}
    adata = blood()
    return adata, "bulk_labels", {"encoder": resolve(adata, use_rep="X_umap")}


if __name__ == "__main__":
    asked = command(__doc__, "jobs", "keep").parse_args()
    cells.forget()
    jobs = [Job(name, c) for name in (BROUGHT, *filter(here, FILES)) for c in AMPLITUDES]
    table = grown(rows, jobs, RESULTS, most=asked.jobs, keep=asked.keep, form=".2f")
    publish(table.sort_values(["dataset", "genes"], kind="stable"), RESULTS, ".2f")
