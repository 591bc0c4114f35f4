"""What the documentation shows of the rows: programmes beside everything else, and beside what was promised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._run import publish

from .methods import TRIED

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
SCORES = ("correctness", "coverage", "judge_logreg", "judge_knn")
SHOWN = {"programmes": (3, 5, 8, 12), "genes": (10, 20, 50), "difference of means": (20, 200)}


def save(rows: pd.DataFrame, folder: Path) -> None:
    """Write and print the tables."""
    for name, table in {"targets": targets(rows), "beside": beside(rows), "tried": tried(rows)}.items():
        table = table.loc[:, (table != "").any()]  # what was not asked for
        print(f"\n{name}")
        publish(table, folder / f"{name}.csv")


def targets(rows: pd.DataFrame) -> pd.DataFrame:
    """What was promised, what came out, and by how much the lowest of the scores is below it.

    Random programmes also where they move as many genes as the programmes do.
    """
    own = rows[(rows["map"] == "UMAP") & (rows["depth"] == "10,000")]
    found = []
    for (name, k), wanted in TARGETS.items():
        for method in ("programmes", "random programmes"):
            case = own[(own["dataset"] == name) & (own["method"] == method) & (own["sparsity"] == k)]
            if case.empty or (method != "programmes" and k != 5):
                continue
            row = {"data set": name, "method": method, "k": k, "scores": _text(case[[*SCORES]].to_numpy()[0])}
            if method == "programmes":
                short = max(0.0, float(np.nanmax(np.asarray(wanted) - case[[*SCORES]].to_numpy()[0])))
                row |= {"promised": _text(wanted), "short by": f"{short:.2f}"}
            else:
                row |= {"promised": "below half of the programmes'", "short by": ""}
            found.append(row)
        if k == 5 and (matched := _as_many_genes(own[own["dataset"] == name], k)):
            found.append({"data set": name, "method": "random, as many genes", "k": k, "scores": matched})
    return pd.DataFrame(found).fillna("")


def beside(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for every data set, map and depth: scores by method and number, ``map judges`` each a pair of figures."""
    found = []
    for case, part in rows.groupby(CASE, sort=False):
        row: dict[str, object] = dict(zip(CASE, case, strict=True))
        for method, ks in SHOWN.items():
            for k in ks:
                row[f"{k} {method}"] = _of(part, method, k)
        row["random, 5"] = _of(part, "random programmes", 5)
        row["random, genes of 5"] = _as_many_genes(part, 5)
        row["best factor, 20"] = _of(part, "difference of means, best factor", 20)
        row["all genes"] = _of(part, "difference of means, all genes", None)
        row["judges on real cells"] = _text(part[["judge_logreg_real", "judge_knn_real"]].to_numpy()[0])
        found.append(row)
    return pd.DataFrame(found)


def tried(rows: pd.DataFrame) -> pd.DataFrame:
    """Kinds and numbers of programmes, and what was tried beside them, at 5 and 8 programmes a pair."""
    kinds = ["programmes", "programmes, best factor", "programmes, leading third", *TRIED]
    found = []
    for case, part in rows.groupby(CASE, sort=False):
        for k in (5, 8):
            scores = {kind: _of(part, kind, k) for kind in kinds}
            found.append(dict(zip(CASE, case, strict=True)) | {"k": k} | scores)
    return pd.DataFrame(found)


def _of(part: pd.DataFrame, method: str, k: int | None) -> str:
    own = part[(part["method"] == method) & (True if k is None else part["sparsity"] == k)]
    return "" if own.empty else _text(own[[*SCORES]].to_numpy()[0])


def _as_many_genes(part: pd.DataFrame, k: int) -> str:
    """Scores of random programmes that move as many genes as k programmes, between their own numbers of programmes."""
    own = part[(part["method"] == "programmes") & (part["sparsity"] == k)]
    random = part[part["method"] == "random programmes"].sort_values("genes")
    if own.empty or random.empty:
        return ""
    at = float(own["genes"].iloc[0])
    return _text(np.array([np.interp(at, random["genes"], random[score]) for score in SCORES]))


def _text(scores: np.ndarray | tuple[float, ...]) -> str:
    return " ".join("–" if np.isnan(score) else f"{score:.2f}".lstrip("0") for score in scores)
