"""Every part of every case by itself, several at a time; what is finished stays, whatever happens to the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks._run import side_by_side, write

from .data import DEPTHS, MAPS, SETS, Case
from .methods import NEEDS, PARTS

FIRST = ["dataset", "map", "depth", "method", "sparsity"]
KEY = ["dataset", "map", "depth", "part"]
HALVES = "halves"
"""The job that makes the cells of a case, before all of its parts."""
_WEIGHTS = {"pbmc3k": 1.0, "retina (11)": 2.3, "retina (18)": 4.0, "paul15": 2.0, "pbmc68k_reduced": 0.3}
_COSTS = {HALVES: 60.0, "programmes": 50.0, "genes": 25.0, "means": 30.0, "nmf (12)": 25.0}
_EFFORT = {"UMAP": 1.0, "PCA": 1.0, "scvis": 2.0}
"""How long jobs take beside one another, for their order alone."""


@dataclass(frozen=True)
class Job:
    """One part of one case, for one process with one thread."""

    case: Case
    part: str

    @property
    def cost(self) -> float:
        """CPU seconds, about."""
        scale = _EFFORT[self.case.kind] if self.part == HALVES else 1.0
        return _COSTS.get(self.part, 20.0) * _WEIGHTS[self.case.name] * scale

    @property
    def key(self) -> tuple[str, ...]:
        """What its rows are known by."""
        return *astuple(self.case), self.part

    def file(self, folder: Path) -> Path:
        """Where its rows go."""
        return folder / "jobs" / ("-".join(self.key).replace(" ", "").replace(",", "") + ".csv")

    def needs(self) -> Iterator[Job]:
        """Jobs that come first."""
        if self.part != HALVES:
            yield Job(self.case, HALVES)
        if self.part in NEEDS:
            yield Job(self.case, NEEDS[self.part])


def todo(cases: Sequence[Case], parts: Sequence[str], folder: Path, keep: bool) -> list[Job]:
    """The parts of all cases, and the halves that they need; rows that are there are kept or removed first."""
    asked = [Job(case, part) for part in parts for case in cases]
    if keep:
        asked = [job for job in asked if not job.file(folder).exists()]
    for job in asked:
        job.file(folder).unlink(missing_ok=True)
    return [Job(case, HALVES) for case in dict.fromkeys(job.case for job in asked)] + asked


def rows(job: Job) -> pd.DataFrame:
    """The rows of one part of one case."""
    facts = dict(zip(KEY, job.key, strict=True))
    found = [table.assign(**facts, method=method) for method, table in PARTS[job.part](job.case)]
    table = pd.concat(found, ignore_index=True)
    return table[[*FIRST, *[column for column in table if column not in FIRST]]]


def do(job: Job, folder: Path) -> float:
    """Make a job and write its rows; CPU seconds."""
    start = time.process_time()
    if job.part == HALVES:
        job.case.halves()
    else:
        write(rows(job), job.file(folder), ".3f")
    return time.process_time() - start


def run(asked: Sequence[Job], folder: Path, workers: int) -> list[Job]:
    """Do the jobs, the longest first, what others need before these; those that failed."""
    failed, left = [], sorted(asked, key=lambda job: -job.cost)
    while left:
        ready = [job for job in left if not set(left) & set(job.needs())]
        left = [job for job in left if job not in ready]
        for job, seconds in side_by_side(partial(do, folder=folder), ready, workers):
            if seconds is None:
                failed.append(job)
            print(f"{'failed' if seconds is None else f'{seconds:.0f} s':9} {' '.join(job.key)}", flush=True)
    return failed


def merged(folder: Path) -> pd.DataFrame:
    """All rows: those of the jobs' files, and of the earlier table what they do not hold."""
    tables = [pd.read_csv(file) for file in sorted((folder / "jobs").glob("[!.]*.csv"))]
    earlier = folder / "programmes.csv"
    if earlier.exists():
        tables.append(pd.read_csv(earlier))
    if not tables:
        raise SystemExit(f"no rows in {folder}")
    table = pd.concat([part.assign(table=index) for index, part in enumerate(tables)], ignore_index=True)
    first = table.groupby(KEY, sort=False)["table"].transform("min")  # a job's rows come from one file
    table = table[table["table"] == first].drop(columns="table")
    for name, known in zip(KEY, (SETS, MAPS, DEPTHS, PARTS), strict=True):
        table[name] = pd.Categorical(table[name], list(known))
    table = table.sort_values(KEY, kind="stable").astype(dict.fromkeys(KEY, str))
    return table[[*FIRST, *[column for column in table if column not in FIRST]]]
