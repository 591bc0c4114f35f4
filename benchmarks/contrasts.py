"""Conditions within cell types on simulated cells, where the answer is known.

``python -m benchmarks.contrasts``: (1) planted programmes, two that respond in all of four types and one in each, with
and without effects of eight donors: which of them are reported as agreeing over donors, and what else is; (2) effects
of donors and no response at all: in how many runs anything is reported as agreeing; (3) ten types in two states: the
pairs of interest explained alone, and as part of all pairs, at several numbers of genes. Whole donors fit, select and
are reported.
"""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce

from ._run import command, publish, with_errors

FOLDER = Path(__file__).parent
SEEDS = 20
CELLS: dict[str, Any] = {"n_cells": 2400, "n_genes": 300, "n_groups": 4, "n_copies": 0}
DESIGN: dict[str, Any] = {"n_donors": 8, "cells_sigma": 0.4, "condition": True, "program_genes": 8}
PLANTED: dict[str, Any] = {"n_shared_programs": 2, "n_specific_programs": 4}
NOTHING: dict[str, Any] = {"n_shared_programs": 0, "n_specific_programs": 0}
RUNS: dict[str, dict[str, Any]] = {
    "programmes": {"programs": "profile", "sparsity": (2, 3, 5)},
    "genes": {"sparsity": 10, "method": "truncate"},
}
EXPLAIN: dict[str, Any] = {"use_rep": "X_pca", "pairs": "within:group", "reference": "ctrl", "split_by": "donor"}
MATCHED = 0.5
"""Share of a programme's genes, weighted by how much they lead it, that must be planted ones of one programme."""


def simulated(seed: int, **design: Any) -> ad.AnnData:
    """Cells with a PCA of all genes."""
    adata = scgce.datasets.simulated_cells(**{**CELLS, **DESIGN, **design}, rng=seed)
    sc.pp.pca(adata, n_comps=20, random_state=0)
    return adata


def recovery(adata: ad.AnnData, frame: pd.DataFrame) -> dict[str, float]:
    """Precision and recall of what is reported as agreeing; of all that is shown beside them.

    An item is right if it belongs to a planted programme that responds in the type, to the same side. Recall counts
    pairs of planted programme and type, for genes pairs of planted gene and type among as many as could be shown.
    """
    truth = adata.uns["truth"]
    in_programmes = "programs" in adata.uns["tgt"]
    own = (_like_planted(adata) if in_programmes else _planted(adata)).reindex(frame["item"]).fillna(-1).to_numpy(int)
    types, agree = frame["within"].astype(int).to_numpy(), frame["agree"].fillna(False).to_numpy(dtype=bool)
    sides = np.sign(truth["program_log_fold"])[own] == np.sign(frame["shift"].to_numpy())
    right = (own >= 0) & truth["program_groups"][own, types] & sides
    if in_programmes:
        wanted = truth["program_groups"].sum()
        found = len(set(zip(own[right & agree], types[right & agree], strict=True)))
    else:
        each = (truth["program_groups"][:, :, None] & truth["program_genes"][:, None, :]).any(0).sum(1)
        wanted = np.minimum(each, RUNS["genes"]["sparsity"]).sum()
        found = (right & agree).sum()
    precision = float(right[agree].mean()) if agree.any() else np.nan
    return {"precision": precision, "recall": float(found / wanted), "precision, all shown": float(right.mean())}


def _planted(adata: ad.AnnData) -> pd.Series:
    """Planted programme of each gene that has one."""
    programme, gene = adata.uns["truth"]["program_genes"].nonzero()
    return pd.Series(programme, adata.var_names[gene]).groupby(level=0).min()


def _like_planted(adata: ad.AnnData) -> pd.Series:
    """Planted programme that each programme is mostly made of, if there is one."""
    stored = adata.uns["tgt"]["programs"]
    weights = stored["weights"].toarray()
    shares = (weights / np.maximum(weights.sum(1, keepdims=True), 1e-12)) @ adata.uns["truth"]["program_genes"].T
    return pd.Series(np.where(shares.max(1) >= MATCHED, shares.argmax(1), -1), stored["names"].astype(str))


def reported(seeds: int, effect: float, planted: dict[str, Any]) -> pd.DataFrame:
    """A row for every kind of item and seed: what is shown, reported as agreeing, and right."""
    rows = []
    for seed, kind in product(range(seeds), RUNS):
        adata = simulated(seed, donor_effect=effect, **planted)
        scgce.tl.tgt(adata, ["group", "condition"], **EXPLAIN, **RUNS[kind], judges=False, device="cpu", rng=seed)
        scgce.tl.evidence(adata, by="donor")
        frame = scgce.get.contrasts(adata)
        counts = {"shown": len(frame), "agreeing": int(frame["agree"].fillna(False).sum())}
        found = recovery(adata, frame) if planted is not NOTHING else {}
        rows.append({"items": kind, "donor effect": effect} | found | counts)
    return pd.DataFrame(rows)


def summary(planted: pd.DataFrame, empty: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over seeds, and the share of runs in which anything agreed though nothing responds."""
    by = ["items", "donor effect"]
    shown, groups = with_errors(planted.groupby(by, sort=False)), empty.groupby(by, sort=False)
    share = groups["agreeing"].agg(lambda own: f"{(own > 0).mean():.3f}")
    nothing = pd.DataFrame({"runs": groups.size(), "runs with something agreeing": share})
    nothing["shown"] = groups["shown"].mean().map("{:.2f}".format)
    both = {"planted": shown, "none": nothing}
    return pd.concat(both, names=["response"]).reset_index().fillna("")


ALONE = (("truncate", 10), ("refine", 3), ("refine", 5), ("refine", 10))
"""Method and genes a pair, of the pairs within types alone and as part of all."""


def pairs(method: str, k: int, seeds: int = 8, types: int = 10, cells: int = 4000) -> pd.DataFrame:
    """Ten types in two states: the pairs within types explained alone and as part of all pairs.

    ``self`` is how many cells of a group have another of it within reach: what no explanation is asked to surpass.
    """
    rows = []
    for seed in range(seeds):
        planted = {**PLANTED, "n_specific_programs": types, "n_donors": 0}
        adata = simulated(seed, n_cells=cells, n_genes=500, n_groups=types, **planted)
        for asked in ("within:group", "all"):
            start = time.process_time()
            options = {"use_rep": "X_pca", "sparsity": k, "pairs": asked, "method": method, "rng": seed}
            scgce.tl.tgt(adata, ["group", "condition"], judges=False, **options)
            seconds = time.process_time() - start
            frame = scgce.get.metrics(adata)
            types_of = [frame[end].str.split(" | ", regex=False).str[0] for end in ("source", "target")]
            mine = frame[types_of[0] == types_of[1]]
            head = {"method": method, "genes": k, "pairs": asked, "seed": seed, "n_pairs": len(frame)}
            head |= {name: mine[name].mean() for name in ("correctness", "coverage")}
            alike = float(np.diag(adata.uns["tgt"]["correctness"]).mean())
            rows.append(head | {"self": alike, "seconds": seconds})
    return pd.DataFrame(rows)


def beside_all(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds; by how much the pairs alone are above the same pairs among all, with its standard error."""
    by = ["method", "genes", "pairs"]
    table = runs.groupby(by, sort=False).mean().drop(columns="seed").round(3).astype({"n_pairs": int})
    both = runs.pivot(index=["method", "genes", "seed"], columns="pairs", values="correctness")
    ahead = (both["within:group"] - both["all"]).groupby(["method", "genes"])
    text = ahead.mean().map("{:+.3f}".format) + " ± " + ahead.sem().map("{:.3f}".format)
    alone = text.to_frame("correctness above all").assign(pairs="within:group").set_index("pairs", append=True)
    return table.join(alone).reset_index().fillna("")


if __name__ == "__main__":
    command(__doc__).parse_args()
    scgce.tl.tgt(simulated(0), "group", use_rep="X_pca", sparsity=2)  # whatever a process does once, before the clock
    publish(beside_all(pd.concat([pairs(*how) for how in ALONE])), FOLDER / "contrasts_pairs.csv")
    planted = pd.concat([reported(SEEDS, effect, PLANTED) for effect in (0.0, 0.2)])
    publish(summary(planted, reported(2 * SEEDS, 0.3, NOTHING)), FOLDER / "contrasts.csv")
