"""What the documentation shows of the rows: programmes beside everything else, and beside what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._run import publish

from .methods import OTHERS
from .scores import SCORES

CASE = ["dataset", "map", "depth"]
TARGETS = {
    ("pbmc3k", 5): (0.84, 0.76, 0.80, 0.82),
    ("pbmc3k", 8): (0.88, 0.80, 0.96, 0.90),
    ("retina (11)", 3): (0.82, 0.78, np.nan, np.nan),
    ("retina (11)", 5): (0.90, 0.82, 0.78, 0.76),
    ("retina (11)", 8): (0.93, 0.83, 0.92, 0.82),
    ("paul15", 5): (0.75, 0.62, np.nan, np.nan),
    ("paul15", 8): (0.88, 0.74, 0.72, 0.45),
}
"""What was promised of the UMAP's student at 10,000 counts: correctness, coverage, both judges."""
SHOWN = {"programmes": (3, 5, 8, 12), "genes": (10, 20, 50), "difference of means": (20, 200)}
BESIDE = {
    **{f"{k} {method}": (method, k) for method, ks in SHOWN.items() for k in ks},
    "random, 5": ("random programmes", 5),
    "best factor, 20": ("difference of means, best factor", 20),
    "all genes": ("difference of means, all genes", None),
}
"""Method and number by column."""
TRIED = [
    *("programmes", "programmes, best factor", "programmes, leading third"),
    *(f"{kind} ({number})" for kind, number in OTHERS),
]


def save(rows: pd.DataFrame, folder: Path) -> None:
    """Write and print the tables."""
    for name, table in {"targets": targets(rows), "beside": beside(rows), "tried": tried(rows)}.items():
        table = table.loc[:, (table != "").any()]  # what was not asked for
        print(f"\n{name}")
        publish(table, folder / f"{name}.csv")


def targets(rows: pd.DataFrame) -> pd.DataFrame:
    """What was promised, what came out, and by how much the lowest of the scores is below it.

    Random programmes of five a pair, and where they move as many genes as the programmes do, below.
    """
    found = []
    for (name, k), wanted in TARGETS.items():
        own = rows[(rows["dataset"] == name) & (rows["map"] == "UMAP") & (rows["depth"] == "10,000")]
        if own.empty:
            continue
        reached = own.loc[(own["method"] == "programmes") & (own["sparsity"] == k), [*SCORES]].to_numpy()[0]
        short = max(0.0, float(np.nanmax(np.asarray(wanted) - reached)))
        row = {"data set": name, "method": "programmes", "k": k, "scores": _text(reached)}
        found.append(row | {"promised": _text(wanted), "short by": f"{short:.2f}"})
        if k == 5:
            row |= {"method": "random programmes", "scores": scores_of(own, "random programmes", k)}
            found.append(row | {"promised": "below half of the programmes'"})
            found.append(row | {"method": "random, as many genes", "scores": as_many_genes(own, k)})
    return pd.DataFrame(found).fillna("")


def beside(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for every data set, map and depth: scores by method and number, ``map judges`` each a pair of figures."""
    found = []
    for case, part in rows.groupby(CASE, sort=False):
        shown = {label: scores_of(part, *which) for label, which in BESIDE.items()}
        shown["random, genes of 5"] = as_many_genes(part, 5)
        shown["judges on real cells"] = _text(part[["judge_logreg_real", "judge_knn_real"]].to_numpy()[0])
        found.append(dict(zip(CASE, case, strict=True)) | shown)
    return pd.DataFrame(found)


def tried(rows: pd.DataFrame) -> pd.DataFrame:
    """Kinds and numbers of programmes, and what was tried beside them, at 5 and 8 programmes a pair."""
    found = []
    for (case, part), k in product(rows.groupby(CASE, sort=False), (5, 8)):
        scores = {kind: scores_of(part, kind, k) for kind in TRIED}
        found.append(dict(zip(CASE, case, strict=True)) | {"k": k} | scores)
    return pd.DataFrame(found)


def scores_of(part: pd.DataFrame, method: str, k: int | None) -> str:
    """Scores of a method at a number (its only one where None), empty if it was not run."""
    own = part[(part["method"] == method) & (True if k is None else part["sparsity"] == k)]
    return "" if own.empty else _text(own[[*SCORES]].to_numpy()[0])


def as_many_genes(part: pd.DataFrame, k: int) -> str:
    """Scores of random programmes that move as many genes as k programmes, between their own numbers of programmes."""
    own = part[(part["method"] == "programmes") & (part["sparsity"] == k)]
    random = part[part["method"] == "random programmes"].sort_values("genes")
    if own.empty or random.empty:
        return ""
    at = float(own["genes"].iloc[0])
    return _text([np.interp(at, random["genes"], random[score]) for score in SCORES])


def _text(scores: Sequence[float] | np.ndarray) -> str:
    return " ".join("–" if np.isnan(score) else f"{score:.2f}".lstrip("0") for score in scores)
