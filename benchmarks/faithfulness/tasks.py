"""What a run consists of: independent tasks, each of which gives rows of one table."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"


@dataclass(frozen=True)
class Task:
    """``function(**arguments)`` gives rows of ``table``."""

    table: str
    function: Callable[..., pd.DataFrame]
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.table} {' '.join(str(value) for value in self.arguments.values())}"


def _alone(task: Task) -> pd.DataFrame:
    import torch

    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    return task.function(**task.arguments)


def kept(task: Task, results: Path) -> pd.DataFrame | None:
    """The task's rows in the table that an interrupted run left."""
    file = results / f"{task.table}.csv"
    if not file.exists():
        return None
    table = pd.read_csv(file)
    named = {name: value for name, value in task.arguments.items() if name in table}
    rows = table[np.all([table[name] == value for name, value in named.items()], axis=0)]
    return rows if len(rows) else None


def run(
    tasks: list[Task], jobs: int, save: Callable[[str, pd.DataFrame], None], before: dict[int, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Run the tasks in ``jobs`` processes; a table is saved whenever it has grown, its rows in the tasks' order.

    ``before`` holds the rows of tasks that need not be run, by position.
    """
    done = dict(before)
    tables = {
        name: pd.concat([done[index] for index in sorted(done) if tasks[index].table == name], ignore_index=True)
        for name in {tasks[index].table for index in done}
    }
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        under_way = {pool.submit(_alone, task): index for index, task in enumerate(tasks) if index not in done}
        for finished in as_completed(under_way):
            index = under_way[finished]
            done[index] = finished.result()
            name = tasks[index].table
            rows = [done[other] for other in sorted(done) if tasks[other].table == name]
            tables[name] = pd.concat(rows, ignore_index=True)
            save(name, tables[name])
            print(f"[{len(done)}/{len(tasks)}] {tasks[index]}", flush=True)
    return tables
