"""Figures 1 to 3, 7 to 9, 13, 15 and 16: the single-cell experiment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pooch
import scanpy as sc

import scgce
from scgce.datasets import bipolar

from . import maps
from .output import save_figure, save_table
from .settings import PAPER, SHARED, Settings

logger = logging.getLogger("benchmarks.paper")

CACHE = Path(os.environ.get("SCGCE_DATA_DIR") or pooch.os_cache("scgce"))
BIPOLAR = CACHE / "GSE81904_BipolarUMICounts_Cell2016.txt.gz"
RETINA = SHARED / "data" / "voigt_human_retina.h5ad"
MAP = "X_scvis"
SPARSITIES = (50, 100, 250, 500, 1000)
SHOWN = 250


def run(settings: Settings) -> None:
    if not BIPOLAR.exists() and not RETINA.exists():
        logger.warning("no single-cell data: neither bipolar() in the cache nor ../shared/data; experiment skipped")
        return
    curves = pd.concat(maps.each(one, [(seed,) for seed in settings.seeds], settings), ignore_index=True)
    save_table(curves, "fig7_single_cell", settings)
    draw_curves(curves, settings)


def one(seed: int, settings: Settings) -> pd.DataFrame:
    """The curves of one encoder; the first seed's map, pairs and example are drawn."""
    adata, groupby, source = cells(settings)
    sc.pp.pca(adata, n_comps=50, random_state=0)
    scgce.tl.scvis(adata, rng=seed, device="cpu", key_added=MAP, n_epochs=20 if settings.quick else None)
    everything = adata.n_vars
    sparsities = ((SHOWN,) if settings.quick else SPARSITIES) + (everything,)
    options = {"use_rep": MAP, "device": "cpu", "sparsity": sparsities}
    scgce.tl.tgt(adata, groupby, **options, **PAPER)
    scgce.tl.dbm(adata, groupby, **options, validation_fraction=0.0, judges=False)
    if seed == 0:
        draw_pairs(adata, groupby, settings)
        draw_example(adata, settings)
    return sweeps(adata).assign(seed=seed, data=source, n_cells=adata.n_obs, n_genes=everything)


def cells(settings: Settings) -> tuple[ad.AnnData, str, str]:
    """bipolar() if its files are cached, else the retina data beside the repository."""
    if BIPOLAR.exists():
        adata, groupby, source = bipolar(), "cluster", "bipolar (GSE81904)"
    else:
        adata, groupby, source = ad.read_h5ad(RETINA), "cluster_label", "human retina (GSE130636)"
    adata = adata[:, np.asarray(adata.X.getnnz(axis=0)) >= 3].copy()
    if settings.quick:
        adata = sc.pp.subsample(adata, n_obs=min(1500, adata.n_obs), random_state=0, copy=True)
        sizes = adata.obs[groupby].value_counts()
        adata = adata[adata.obs[groupby].isin(sizes.index[sizes >= 20])].copy()
    return adata, groupby, source


def sweeps(adata: ad.AnnData) -> pd.DataFrame:
    """TGT's and DBM's curves in one frame; all genes: no cut, at the λ that is best without one."""
    columns = ["sparsity", "correctness", "coverage"]
    tgt = scgce.get.sweep(adata)[[*columns, "similarity"]].assign(method="TGT")
    dbm = scgce.get.sweep(adata, key="dbm")[columns].assign(method="DBM", similarity=1.0)
    return pd.concat([tgt, dbm], ignore_index=True)


def draw_curves(curves: pd.DataFrame, settings: Settings) -> None:
    """Mean over encoders, and their range."""
    figure, ax = plt.subplots(figsize=(5, 4))
    for (method, part), line in zip(curves.groupby("method"), (":", "-"), strict=True):
        for column, colour in (("correctness", "tab:blue"), ("coverage", "tab:orange")):
            values = part.groupby("sparsity")[column].agg(["mean", "min", "max"])
            ax.plot(values.index, values["mean"], line, marker="o", color=colour, label=f"{method} {column}")
            ax.fill_between(values.index, values["min"], values["max"], color=colour, alpha=0.12, linewidth=0)
    ax.set(xscale="log", xlabel="genes per pair (k)", ylabel="mean over ordered pairs and encoders", ylim=(0, 1.02))
    ax.legend(fontsize="small")
    save_figure(figure, "fig7_single_cell", settings)


def draw_pairs(adata: ad.AnnData, groupby: str, settings: Settings) -> None:
    figure = scgce.pl.groups(adata, groupby, basis=MAP, return_fig=True, show=False)
    save_figure(figure, "fig1_13_single_cell_map", settings)
    for name, key in (("fig8_15_single_cell_pairs_tgt", "tgt"), ("fig16_single_cell_pairs_dbm", "dbm")):
        figure = scgce.pl.metrics(adata, sparsity=SHOWN, key=key, return_fig=True, show=False)
        save_figure(figure, name, settings)
        save_table(scgce.get.metrics(adata, sparsity=SHOWN, key=key), name, settings)


def draw_example(adata: ad.AnnData, settings: Settings) -> None:
    """The pair that gains most from TGT at the shown sparsity: all of DBM, DBM cut, TGT."""
    frames = {key: scgce.get.metrics(adata, sparsity=SHOWN, key=key) for key in ("tgt", "dbm")}
    gain = (frames["tgt"]["correctness"] + frames["tgt"]["coverage"]) - (
        frames["dbm"]["correctness"] + frames["dbm"]["coverage"]
    )
    pair = frames["tgt"].loc[gain.idxmax()]
    source, target = str(pair["source"]), str(pair["target"])
    dense = scgce.get.explanation(adata, source, target, sparsity=adata.n_vars, key="dbm")
    amounts = dense.set_index("gene")["delta"].reindex(adata.var_names, fill_value=0.0).to_numpy()
    figure, ax = plt.subplots(figsize=(6, 3))
    ax.vlines(np.arange(len(amounts)), 0, amounts, linewidth=0.4)
    ax.set(xlabel="gene", ylabel="difference between means", title=f"DBM: {source} → {target}")
    save_figure(figure, "fig2_single_cell_dbm", settings)
    for name, key in (("fig3_single_cell_dbm", "dbm"), ("fig9_single_cell_tgt", "tgt")):
        figure = scgce.pl.explanation(
            adata, source, target, sparsity=SHOWN, key=key, basis=MAP, return_fig=True, show=False
        )
        save_figure(figure, name, settings)
    rows = [frames[key].loc[gain.idxmax()].to_frame().T.assign(method=key) for key in frames]
    save_table(pd.concat(rows), "fig3_9_single_cell_example", settings)
