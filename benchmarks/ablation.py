"""What each part of the search for an explanation gains: ``python -m benchmarks.ablation [--keep]``.

`tl.tgt` tries several descents for every sparsity and lets validation cells choose among them. Here all that it tried
is scored on the reported cells as well, and each part is left out of the choice in turn. ``gain`` is what leaving a
part out loses in correctness + coverage on reported cells, mean over sparsities; ``seconds`` the processor time of the
part as a share of the whole search. What starts from the best of the others starts there with a part left out, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce.core.choose.select import Explained, Material, consistent, ladder, refined_consistent, tried
from scgce.core.score.metrics import off_diagonal_mean, score_pairs
from scgce.encoders import resolve
from scgce.explain.fit import Model, material
from scgce.explain.read import pick_epsilon, prepare
from scgce.explain.split import FIT, REPORT, VALIDATE

from ._cells import FILES, here
from ._run import command, grown, publish
from .amplitude import BROUGHT, mapped
from .paper.published import as_published

RESULTS = Path(__file__).parent / "ablation.csv"
TRIED = Path(__file__).parent / "ablation_tried.csv"
"""Everything that was tried."""
SPARSITIES = (5, 20)
ABSENT = "all that tl.tgt no more tries"


class Job(NamedTuple):
    """One data set at one bound on the amounts."""

    dataset: str
    amplitude: str


JOBS = [Job("iris", "3"), Job("iris", "none"), *(Job(name, "3") for name in (BROUGHT, *FILES))]


def opened(name: str) -> tuple[AnnData, str, Any, tuple[int, ...]]:
    """Cells, groups, encoder and sparsities."""
    if name == "iris":
        adata, encoder, stored = as_published(name)
        return adata, "group", encoder, tuple(int(k) for k in stored["published"][:, 0])
    adata, groupby, which = mapped(name)
    return adata, groupby, resolve(adata, **which), SPARSITIES


def candidates(job: Job) -> pd.DataFrame:
    """Everything that is tried, one row each: what it is, its quality in selection and on the reported cells."""
    adata, groupby, encoder, sparsities = opened(job.dataset)
    prepared = prepare(adata, groupby, use_rep=None, encoder=encoder, layer=None, device="cpu")
    epsilon, n_genes = pick_epsilon(prepared, None), len(prepared.genes)
    rungs, parts = ladder(sparsities, "refine", n_genes), (prepared.part(FIT), prepared.part(VALIDATE))
    model = Model(np.ones(n_genes), None if job.amplitude == "none" else float(job.amplitude), 1.0)
    found = material(prepared, model, *parts, largest=max(rungs), epsilon=epsilon, seed=0, thin=True)
    reported, rows = prepared.part(REPORT), []
    richer: Explained | None = None
    for k in rungs[::-1]:
        start, tries = time.process_time(), []
        for part, explained in _all(found, k, richer):
            spent = {"seconds": time.process_time() - start, "quality": explained.quality}
            scores = score_pairs(reported.mover(explained.cuts()), reported.embedded, epsilon)
            reached = {name: off_diagonal_mean(getattr(scores, name)) for name in ("correctness", "coverage")}
            rows.append(job._asdict() | {"sparsity": k, "part": part} | spent | reached)
            if not part.startswith("consistent"):
                tries.append(explained)
            start = time.process_time()
        richer = max(tries, key=lambda explained: explained.quality)
    return pd.DataFrame(rows)


def _all(found: Material, k: int, richer: Explained | None) -> Iterator[tuple[str, Explained]]:
    """What `tl.tgt` tries, and what it no more tries where there are many genes."""
    tries: list[Explained] = []
    for part, explained in tried(replace(found, plan=replace(found.plan, plain=True, fresh=True)), k, richer):
        tries.append(explained)
        yield part, explained
    yield "consistent", consistent(found, k)
    best = max(tries, key=lambda explained: explained.quality)
    yield "consistent, refined", refined_consistent(found, k, best)


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """For every part, what leaving it out of the choice loses on the reported cells: a column a data set, the mean."""
    both = table.assign(reported=table["correctness"] + table["coverage"])
    variant = both["part"].str.startswith("consistent")
    rows = []
    for kind, of_kind in {"refine": ~variant, "consistent": variant}.items():
        for dataset, rest in both[of_kind].groupby("dataset", sort=False):
            kept = {part: rest[rest["part"] != part] for part in rest["part"].unique()}
            if kind == "refine" and dataset != "iris":
                kept[ABSENT] = _tried_now(rest)
            for part, others in kept.items():
                row = {"method": kind, "part": part, "dataset": dataset, "gain": _chosen(rest) - _chosen(others)}
                rows.append(row | {"seconds": 1 - others["seconds"].sum() / rest["seconds"].sum()})
    found, keys = pd.DataFrame(rows), ["method", "part"]
    means = found.groupby(keys, sort=False)[["gain", "seconds"]].mean()
    wide = found.pivot_table("gain", keys, "dataset", sort=False)
    return wide.assign(mean=means["gain"], seconds=means["seconds"]).reset_index()


def _tried_now(rest: pd.DataFrame) -> pd.DataFrame:
    """What `tl.tgt` tries of many genes: exploring for the largest sparsity, from the richer one below."""
    first = rest["sparsity"] == rest["sparsity"].max()
    return rest[rest["part"].isin(["truncate", "from richer"]) | ((rest["part"] == "explore") & first)]


def _chosen(table: pd.DataFrame) -> float:
    best = table.groupby(["amplitude", "sparsity"])["quality"].idxmax()
    return float(table.loc[best, "reported"].mean())


if __name__ == "__main__":
    asked = command(__doc__, "keep").parse_args()
    jobs = [job for job in JOBS if job.dataset not in FILES or here(job.dataset)]
    publish(gains(grown(candidates, jobs, TRIED, keep=asked.keep, form=".5g")), RESULTS, ".3f")
