"""What each part of the search for an explanation gains: ``python -m benchmarks.ablation``.

`tl.tgt` tries several descents for every sparsity and lets validation cells choose among them. Here all that it tried
is scored on the reported cells as well, and each part is left out of the choice in turn. ``gain`` is what leaving a
part out loses in correctness + coverage on reported cells, mean over sparsities; ``seconds`` the processor time of the
part as a share of the whole search. What starts from the best of the others starts there with a part left out, too.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData

from scgce.core.choose.select import Explained, Material, consistent, ladder, refined_consistent, tried
from scgce.core.score.cells import Cells
from scgce.core.score.metrics import off_diagonal_mean, score_pairs
from scgce.encoders import resolve
from scgce.explain.fit import Model, material
from scgce.explain.read import pick_epsilon, prepare
from scgce.explain.split import FIT, REPORT, VALIDATE

from ._cells import FILES, blood, here
from ._run import command, publish, write
from .faithfulness import cells
from .paper.published import as_published

RESULTS = Path(__file__).parent
TRIED = RESULTS / "ablation"
"""Everything that was tried, a file a data set."""
LARGE = (5, 20)
OTHER: dict[str, dict[str, Any]] = {"40 steps": {"steps": 40}, "80 steps": {"steps": 80}, "32 cells": {"cells": 32}}
"""Other settings of a descent."""
MORE: dict[str, Any] = {"plain": True, "fresh": True}
"""Tried here, and no more by `tl.tgt` where there are many genes."""
ONE: dict[str, Any] = {**MORE, "explore": False, "consistent": False, "orders": 1, "searches": 0, "again": False}

FEW_GENES = ("iris", "heart_disease")
ABSENT = "all that tl.tgt no more tries"
SETS = ("iris", "heart_disease", "pbmc68k_reduced", "pbmc3k", "retina", "paul15")


def opened(name: str) -> tuple[AnnData, str, Any, tuple[int, ...]]:
    """Cells, groups, encoder and sparsities."""
    if name in FEW_GENES:
        adata, encoder, stored = as_published(name)
        return adata, "group", encoder, tuple(int(k) for k in stored["published"][:, 0])
    if name == "pbmc68k_reduced":
        adata = blood()
        return adata, "bulk_labels", resolve(adata, use_rep="X_umap"), LARGE
    adata, groupby = cells.embedded(name, "UMAP", quick=False)
    return adata, groupby, resolve(adata, use_rep=cells.STUDENT), LARGE


def candidates(name: str, amplitude: float | None) -> pd.DataFrame:
    """Everything that is tried, one row each: what it is, its quality in selection and on the reported cells."""
    adata, groupby, encoder, sparsities = opened(name)
    prepared = prepare(adata, groupby, use_rep=None, encoder=encoder, layer=None, device="cpu")
    epsilon, n_genes = pick_epsilon(prepared, None), len(prepared.genes)
    rungs, parts = ladder(sparsities, "refine", n_genes), (prepared.part(FIT), prepared.part(VALIDATE))
    model, how = Model(np.ones(n_genes), amplitude, 1.0), {"epsilon": epsilon, "seed": 0, "thin": True}
    found = material(prepared, model, *parts, largest=max(rungs), **how)
    reported, rows = prepared.part(REPORT), []
    richer: Explained | None = None
    for k in rungs[::-1]:
        start, tries = time.process_time(), []
        for part, explained in _all(found, k, richer):
            seconds = time.process_time() - start
            labels = {"dataset": name, "amplitude": amplitude or "none", "sparsity": k, "part": part}
            spent = {"seconds": seconds, "quality": explained.quality}
            rows.append(labels | spent | _scored(reported, explained, epsilon))
            if not part.startswith("consistent") and not part.endswith(tuple(OTHER)):
                tries.append(explained)
            start = time.process_time()
        richer = max(tries, key=lambda explained: explained.quality)
    return pd.DataFrame(rows)


def _all(found: Material, k: int, richer: Explained | None) -> Any:
    tries: list[Explained] = []
    for part, explained in tried(replace(found, plan=replace(found.plan, **MORE)), k, richer):
        tries.append(explained)
        yield part, explained
    for name, change in OTHER.items():
        other = replace(found, options=replace(found.options, **change), plan=replace(found.plan, **ONE))
        for part, explained in tried(other, k, richer):
            if part != "truncate":
                yield f"{part}, {name}", explained
    yield "consistent", consistent(found, k)
    best = max(tries, key=lambda explained: explained.quality)
    yield "consistent, refined", refined_consistent(found, k, best)


def _scored(cells: Cells, explained: Explained, epsilon: float) -> dict[str, float]:
    scores = score_pairs(cells.mover(explained.cuts()), cells.embedded, epsilon)
    return {name: off_diagonal_mean(getattr(scores, name)) for name in ("correctness", "coverage")}


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """For every part and data set, what leaving it out of the choice loses on the reported cells."""
    both = table.assign(reported=table["correctness"] + table["coverage"])
    variant, cheaper = both["part"].str.startswith("consistent"), both["part"].str.endswith(tuple(OTHER))
    rows = []
    for kind, of_kind in {"refine": ~variant & ~cheaper, "consistent": variant}.items():
        for dataset, rest in both[of_kind].groupby("dataset", sort=False):
            parts = rest["part"].unique()
            kept = {part: rest[rest["part"] != part] for part in parts} if len(parts) > 1 else {}
            if kind == "refine" and dataset not in FEW_GENES:
                kept[ABSENT] = _tried_now(rest)
            for part, others in kept.items():
                row = {"method": kind, "part": part, "dataset": dataset, "gain": _chosen(rest) - _chosen(others)}
                rows.append(row | {"seconds": 1 - others["seconds"].sum() / rest["seconds"].sum()})
    found = pd.DataFrame(rows)
    mean = found.groupby(["method", "part"], sort=False)[["gain", "seconds"]].mean().assign(dataset="mean")
    return pd.concat([found, mean.reset_index()], ignore_index=True)


def _tried_now(rest: pd.DataFrame) -> pd.DataFrame:
    """What `tl.tgt` tries of many genes: exploring for the largest sparsity, from the richer one below."""
    first = rest["sparsity"] == rest["sparsity"].max()
    return rest[rest["part"].isin(["truncate", "from richer"]) | ((rest["part"] == "explore") & first)]


def _chosen(table: pd.DataFrame) -> float:
    best = table.groupby(["amplitude", "sparsity"])["quality"].idxmax()
    return float(table.loc[best, "reported"].mean())


if __name__ == "__main__":
    parser = command(__doc__)
    parser.add_argument("--sets", nargs="*", choices=SETS, default=SETS, help="none: the table alone")
    torch.set_num_threads(1)
    for name in parser.parse_args().sets:
        if name in FILES and not here(name):
            continue
        amplitudes: tuple[float | None, ...] = (3.0, None) if name in FEW_GENES else (3.0,)
        write(pd.concat([candidates(name, c) for c in amplitudes]), TRIED / f"{name}.csv", ".5g")
        print(f"{name} done", flush=True)
    table = gains(pd.concat([pd.read_csv(TRIED / f"{n}.csv") for n in SETS if (TRIED / f"{n}.csv").exists()]))
    wide = table.pivot_table("gain", ["method", "part"], "dataset", sort=False)
    wide["seconds"] = table[table["dataset"] == "mean"].set_index(["method", "part"])["seconds"]
    publish(wide.reset_index(), RESULTS / "ablation.csv", ".3f")
