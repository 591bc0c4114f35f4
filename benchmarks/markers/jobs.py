"""Independent jobs of one thread each, side by side: one tool on one split of one set, choice and judges."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.speed.machine import peak_memory

from . import curated, data, judges, tools

DONORS, CURATED = "donors", "curated"
SECONDS = {
    "NS-Forest": 100,
    "random forest": 60,
    "scGeneFit": 40,
    "logistic l1": 30,
    "logistic regression": 30,
    "Wilcoxon": 20,
    tools.OURS: 20,
}
"""What a tool needs of 1,300 cells, roughly; 10 where nothing is said. Long jobs start first: all end together."""


@dataclass(frozen=True)
class Job:
    """One tool on one split of one set; the split is a number, the donors, or the curated lists."""

    set: str
    split: str
    tool: str

    def length(self, cells: int) -> float:
        """Expected seconds, only to be compared with those of other jobs."""
        return SECONDS.get(self.tool, 10) * cells / 1300


def jobs(sets: Sequence[str], splits: int, asked: Sequence[str]) -> list[Job]:
    """Every job, the longest first; donors where there are several, curated lists for pbmc3k."""
    sizes = {name: data.cells(name).n_obs for name in sets}
    found = []
    for name in sets:
        kinds = [*map(str, range(splits)), *([DONORS] if data.donors(data.cells(name)) else [])]
        found += [Job(name, split, tool) for split in kinds for tool in asked]
        if name == curated.SET:
            found += [Job(name, CURATED, tool) for tool in curated.LISTS if tool not in tools.TOOLS or tool in asked]
    return sorted(found, key=lambda job: -job.length(sizes[job.set]))


def rows(job: Job, sizes: Sequence[int]) -> pd.DataFrame:
    """One row for every size: genes, macro-F1 of the judges, processor seconds and megabytes of the tool in all."""
    adata = data.cells(job.set)
    if job.split == CURATED:
        return pd.DataFrame([curated.row(adata, job.tool)])
    task = data.donors(adata) if job.split == DONORS else data.halves(adata, int(job.split))
    assert task is not None
    cells = task.choose.copy()
    with peak_memory() as memory:
        start = time.process_time()  # other jobs run beside it, so not what a clock says
        panels = tools.TOOLS[job.tool](cells, sizes)
        seconds = time.process_time() - start
    spent = {"seconds": seconds, "megabytes": (memory["peak"] - memory["before"]) / 1e6}
    first = {"set": job.set, "split": job.split, "tool": job.tool}
    return pd.DataFrame(
        [
            first
            | {"size": size, "n_genes": len(genes), **judges.macro_f1(task, genes)}
            | spent
            | {"genes": " ".join(genes)}
            for size, genes in panels.items()
        ]
    )
