"""One tool on one split of one set, choice and judges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from benchmarks.speed.machine import spent

from . import curated, data, judges, tools

SIZES = (5, 10, 20, 30, 50, 100)


class Job(NamedTuple):
    """One tool on one split of one set; the split is a number or the donors."""

    set: str
    split: str
    tool: str


class Curated(NamedTuple):
    """One tool's lists beside the known ones."""

    tool: str


def jobs(sets: Sequence[str], splits: int, asked: Sequence[str]) -> list[Job]:
    """Every job; donors where there are several."""
    numbers = [*map(str, range(splits))]
    kinds = {name: [*numbers, *([data.DONORS] if data.donors(data.cells(name)) else [])] for name in sets}
    return [Job(name, split, tool) for name, of_set in kinds.items() for split in of_set for tool in asked]


def rows(job: Job, sizes: Sequence[int] = SIZES) -> pd.DataFrame:
    """One row for every size: genes, macro-F1 of the judges, processor seconds and megabytes of the tool in all."""
    adata = data.cells(job.set)
    task = data.donors(adata) if job.split == data.DONORS else data.halves(adata, int(job.split))
    assert task is not None
    cells = task.choose.copy()
    panels, took = spent(
        lambda: tools.TOOLS[job.tool](cells, sizes)
    )  # other jobs run beside it: not the clock's seconds
    cost = {"seconds": took.processor, "megabytes": 1e3 * took.more_GB}
    found = [
        {**job._asdict(), "size": size, "n_genes": len(genes), **judges.macro_f1(task, genes), **cost}
        | {"genes": " ".join(genes)}
        for size, genes in panels.items()
    ]
    return pd.DataFrame(found)


def listed(job: Curated) -> pd.DataFrame:
    """The row of a tool's lists."""
    return pd.DataFrame([curated.row(data.cells(curated.SET), job.tool)])
