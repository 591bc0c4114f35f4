"""Gene programmes beside single genes: what each reaches on cells that took no part, in the map and before judges.

``python -m benchmarks.programmes`` prints, for every data set, map and depth, k programmes a pair (mean over pairs) at
real amounts beside k genes at the default, the difference of means cut to k genes at real amounts and at the best
single factor up to 3, and random programmes of the same sizes among the same genes. ``--sets``, ``--maps`` and
``--depths`` take a part of it. Half of the cells fit and select (the student of the UMAP, too, is trained on them, and
the PCA of the whole matrix is the user's), the other half is scored, with ε and the judges' cells its own.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "programmes.csv"
SETS = {
    "pbmc3k": ("pbmc3k_raw_labelled.h5ad", "cell_type"),
    "retina (11)": ("voigt_human_retina.h5ad", "cell_type"),
    "retina (18)": ("voigt_human_retina.h5ad", "cluster_label"),
    "paul15": ("paul15.h5ad", "paul15_clusters"),
    "pbmc68k_reduced": ("", "bulk_labels"),
}
MAPS = ("UMAP", "PCA", "scvis")
DEPTHS: dict[str, float | None] = {"10,000": 1e4, "median": None}
PROGRAMMES, GENES, MEANS = (2, 3, 5, 8, 12), (5, 10, 20, 50), (5, 10, 20, 50, 200)
FACTORS = (1.0, 1.5, 2.0, 3.0)
FEWEST = 8
"""Groups of fewer cells are left out: half of them is too little to fit, select and score on."""
COLUMNS = ("correctness", "coverage", "judge_logreg", "judge_knn")


def halves(name: str, kind: str, depth: float | None) -> tuple[ad.AnnData, ad.AnnData, str, str]:
    """The half that fits and selects, with its map's encoder; the half that is scored; groups and representation."""
    file, groupby = SETS[name]
    adata = ad.read_h5ad(SHARED / file) if file else sc.datasets.pbmc68k_reduced().raw.to_adata()
    if file:
        adata.X = adata.layers.pop("counts") if "counts" in adata.layers else adata.X
        adata = adata[:, np.asarray((adata.X > 0).sum(axis=0)).ravel() >= 3].copy()
        sc.pp.normalize_total(adata, target_sum=depth)
        sc.pp.log1p(adata)
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sizes = adata.obs[groupby].value_counts()
    adata = adata[adata.obs[groupby].isin(sizes.index[sizes >= FEWEST])].copy()
    sc.pp.pca(adata, n_comps=50, random_state=0)
    if file:
        sc.pp.neighbors(adata, random_state=0)
        sc.tl.umap(adata, random_state=0)
    draws = pd.Series(np.random.default_rng(0).random(adata.n_obs), adata.obs_names)
    rank = draws.groupby(adata.obs[groupby], observed=True).rank(pct=True)
    fitting, scored = adata[rank.to_numpy() <= 0.5].copy(), adata[rank.to_numpy() > 0.5].copy()
    if kind == "PCA":
        return fitting, scored, groupby, "X_pca"
    sc.pp.pca(fitting, n_comps=50, random_state=0)
    tool, options = (scgce.tl.distill, {"use_rep": "X_umap"}) if kind == "UMAP" else (scgce.tl.scvis, {})
    tool(fitting, device="cpu", key_added="X_map", **options)
    return fitting, scored, groupby, "X_map"


def scores(fitting: ad.AnnData, scored: ad.AnnData, key: str) -> pd.DataFrame:
    """A stored explanation on the other half, one row a sparsity; ε found among the cells that are scored."""
    scgce.tl.evaluate(scored, key, reference=fitting, epsilon="mean", key_added="scored")
    sweep = scgce.get.sweep(scored, key="scored")
    entry = scored.uns["scored"]
    moved = [scgce.get.metrics(scored, sparsity=int(k), key="scored")["n_genes"].mean() for k in sweep["sparsity"]]
    basis = [scgce.get.deltas(scored, sparsity=int(k), key="scored").to_numpy(float) for k in sweep["sparsity"]]
    cut = bool(entry["params"]["pair_cut"])
    real = {name: _diagonal(entry, name) for name in COLUMNS[2:]}
    frame = sweep[["sparsity", *COLUMNS]].assign(genes=moved, **{f"{name}_real": value for name, value in real.items()})
    return frame.assign(triangles=[np.nan if cut else _triangles(rows) for rows in basis])


def _diagonal(entry: dict[str, Any], name: str) -> float:
    """A judge's accuracy on the cells as they are, mean over groups."""
    return float(np.diag(entry["sweep"][name][0]).mean())


def _triangles(basis: np.ndarray) -> float:
    """Largest |δ_ij + δ_jk − δ_ik| of the explanations as they are read, float32 rows subtracted in float64."""
    return float(max(np.abs((b - a) + (c - b) - (c - a)).max() for a in basis for b in basis for c in basis[:5]))


def table(name: str, kind: str, depth: str) -> pd.DataFrame:
    """All methods on one data set in one map."""
    fitting, scored, groupby, rep = halves(name, kind, DEPTHS[depth])
    options: dict[str, Any] = {"use_rep": rep, "judges": False, "device": "cpu"}
    parts = []

    def add(method: str, seconds: float, key: str = "tgt") -> None:
        parts.append(scores(fitting, scored, key).assign(method=method, seconds=seconds))

    for source in ("auto", "profile"):
        start = time.process_time()
        scgce.tl.tgt(fitting, groupby, programs=source, **options)
        found = fitting.uns["tgt"]["programs"]
        wanted = [k for k in PROGRAMMES if k <= len(found["names"])]
        scgce.tl.tgt(fitting, groupby, programs=source, sparsity=wanted, **options)
        add(f"programmes, {source} ({len(found['names'])})", time.process_time() - start)
        if source == "auto":
            shuffled, covered = _random(found, fitting)
            fitting.var["covered"] = covered
    scgce.tl.tgt(fitting, groupby, programs=shuffled, mask_var="covered", sparsity=wanted, **options)
    add("random programmes", np.nan)
    scgce.tl.tgt(fitting, groupby, sparsity=GENES, **options)
    add("genes, default", np.nan)
    scgce.tl.dbm(fitting, groupby, sparsity=MEANS, **options)
    add("difference of means", np.nan, "dbm")
    parts.append(_best_factor(fitting, scored).assign(method="difference of means, best factor"))
    scgce.tl.dbm(fitting, groupby, sparsity=fitting.n_vars, **options)
    add("difference of means, all genes", np.nan, "dbm")
    return pd.concat(parts).assign(dataset=name, map=kind, depth=depth)


def _random(found: dict[str, Any], adata: ad.AnnData) -> tuple[pd.Series, np.ndarray]:
    """The programmes' genes dealt out again at random, so many to each as it had."""
    membership = found["membership"].tocsc()
    covered = np.diff(membership.indptr) > 0
    owner = np.asarray(membership.argmax(axis=0)).ravel()[covered]
    return pd.Series(np.random.default_rng(0).permutation(owner), adata.var_names[covered]), covered


def _best_factor(fitting: ad.AnnData, scored: ad.AnnData) -> pd.DataFrame:
    """One factor for all pairs, chosen for every k on cells of the first half that nothing was fitted on."""
    candidates = []
    for factor in FACTORS:
        entry = dict(fitting.uns["dbm"])
        sweep = dict(entry["sweep"])
        sweep["deltas"] = (sweep["deltas"] * factor).tocsr().astype(np.float32)
        fitting.uns["scaled"] = {**entry, "sweep": sweep, "deltas": (entry["deltas"] * factor).astype(np.float32)}
        scgce.tl.evaluate(fitting, "scaled", judges=False, key_added="chosen")
        own = scgce.get.sweep(fitting, key="chosen")
        mark = 0.6 * own["correctness"] + 0.4 * own["coverage"]
        candidates.append(scores(fitting, scored, "scaled").assign(mark=mark.to_numpy(), factor=factor))
    every = pd.concat(candidates, ignore_index=True)
    return every.loc[every.groupby("sparsity")["mark"].idxmax()].drop(columns="mark")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--maps", nargs="+", default=list(MAPS), choices=MAPS)
    parser.add_argument("--depths", nargs="+", default=list(DEPTHS), choices=list(DEPTHS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    first = ["dataset", "map", "depth", "method", "sparsity"]
    done: list[pd.DataFrame] = []
    for name in asked.sets:
        for kind in asked.maps:
            for depth in asked.depths if SETS[name][0] else ["10,000"]:
                found = table(name, kind, depth)
                found = found[[*first, *[column for column in found if column not in first]]]
                done.append(found)
                pd.concat(done).to_csv(asked.output, index=False, float_format="%.3f", lineterminator="\n")
                print(found.to_string(index=False, float_format=lambda value: f"{value:.2f}"), flush=True)


if __name__ == "__main__":
    main()
