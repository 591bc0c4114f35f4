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


def run(tasks: list[Task], jobs: int, save: Callable[[str, pd.DataFrame], None]) -> dict[str, pd.DataFrame]:
    """Run the tasks in ``jobs`` processes; a table is saved whenever it has grown, its rows in the tasks' order."""
    done: dict[int, pd.DataFrame] = {}
    tables: dict[str, pd.DataFrame] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        under_way = {pool.submit(_alone, task): index for index, task in enumerate(tasks)}
        for finished in as_completed(under_way):
            index = under_way[finished]
            done[index] = finished.result()
            name = tasks[index].table
            rows = [done[other] for other in sorted(done) if tasks[other].table == name]
            tables[name] = pd.concat(rows, ignore_index=True)
            save(name, tables[name])
            print(f"[{len(done)}/{len(tasks)}] {tasks[index]}", flush=True)
    return tables
