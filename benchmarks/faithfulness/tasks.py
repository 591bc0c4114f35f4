"""What a run consists of: independent tasks, each of which gives rows of one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._run import side_by_side

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Task:
    """``function(**arguments)`` gives rows of ``table``."""

    table: str
    function: Callable[..., pd.DataFrame]
    arguments: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.table} {' '.join(str(value) for value in self.arguments.values())}"


def _alone(numbered: tuple[int, Task]) -> pd.DataFrame:
    _, task = numbered
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
    todo = [(index, task) for index, task in enumerate(tasks) if index not in done]
    for (index, task), rows in side_by_side(_alone, todo, jobs):
        if rows is None:
            raise SystemExit(f"failed: {task}")
        done[index], name = rows, task.table
        found = [done[other] for other in sorted(done) if tasks[other].table == name]
        tables[name] = pd.concat(found, ignore_index=True)
        save(name, tables[name])
        print(f"[{len(done)}/{len(tasks)}] {task}", flush=True)
    return tables
