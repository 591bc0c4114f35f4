"""Three classifiers that see the panel's genes only, trained on the choosing half and scored on the other."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from .data import Task

JUDGES = ("logreg", "knn", "tree")


def _judge(name: str) -> Any:
    if name == "logreg":
        return LogisticRegression(max_iter=1000)
    if name == "knn":
        return KNeighborsClassifier(15)
    return HistGradientBoostingClassifier(
        max_iter=20, learning_rate=0.2, max_depth=3, min_samples_leaf=3, l2_regularization=1.0, random_state=0
    )


def dense(adata: ad.AnnData, genes: list[str]) -> np.ndarray:
    """Values of a few genes, float32 (n, |genes|)."""
    values = adata[:, genes].X
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float32)


def macro_f1(task: Task, genes: list[str], judges: tuple[str, ...] = JUDGES) -> dict[str, float]:
    """Macro-averaged F1 of every judge on the judging cells."""
    X, Y = dense(task.choose, genes), dense(task.judge, genes)
    x, y = (part.obs["group"].astype(str).to_numpy() for part in (task.choose, task.judge))
    return {name: float(f1_score(y, _judge(name).fit(X, x).predict(Y), average="macro")) for name in judges}
