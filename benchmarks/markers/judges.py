"""One tool on one split of one set: its panels before three classifiers that see the panel's genes only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from sklearn.base import ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from benchmarks.speed.machine import spent

from . import data, tools

SIZES = (5, 10, 20, 30, 50, 100)
SPLITS = 5
JUDGES: dict[str, ClassifierMixin] = {
    "logreg": LogisticRegression(max_iter=1000),
    "knn": KNeighborsClassifier(15),
    "tree": HistGradientBoostingClassifier(
        max_iter=20, learning_rate=0.2, max_depth=3, min_samples_leaf=3, l2_regularization=1.0, random_state=0
    ),
}
"""Trained on the choosing half and scored on the other."""


class Job(NamedTuple):
    """One tool on one split of one set; the split is a number or the donors."""

    set: str
    split: str
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
    panels, took = spent(lambda: tools.TOOLS[job.tool](cells, sizes))
    cost = {"seconds": took.processor, "megabytes": 1e3 * took.more_GB}  # other jobs run beside it: not the clock's
    found = [
        {
            **job._asdict(),
            "size": size,
            "n_genes": len(genes),
            **macro_f1(task, genes),
            **cost,
            "genes": " ".join(genes),
        }
        for size, genes in panels.items()
    ]
    return pd.DataFrame(found)


def macro_f1(task: data.Task, genes: list[str]) -> dict[str, float]:
    """Macro-averaged F1 of every judge on the judging cells."""
    X, Y = tools.dense(task.choose, genes), tools.dense(task.judge, genes)
    x, y = (part.obs["group"].astype(str).to_numpy() for part in task)
    return {name: f1_score(y, clone(judge).fit(X, x).predict(Y), average="macro") for name, judge in JUDGES.items()}
