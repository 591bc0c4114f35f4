"""Figures 3, 7 and 9: the single-cell experiment."""

from __future__ import annotations

import os
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pooch
import scanpy as sc

import scgce
from benchmarks._cells import FILES, here, read
from scgce.datasets import bipolar

from . import maps
from .studies import CONVENTION, PAPER, Settings

CACHE = Path(os.environ.get("SCGCE_DATA_DIR") or pooch.os_cache("scgce"))
BIPOLAR = CACHE / "GSE81904_BipolarUMICounts_Cell2016.txt.gz"
MAP = "X_scvis"
SPARSITIES = (50, 100, 250, 500, 1000)
SHOWN = 250


def run(settings: Settings) -> None:
    if not BIPOLAR.exists() and not here("retina"):
        print("no single-cell data: neither bipolar() in the cache nor ../shared/data; experiment skipped")
        return
    settings.table(pd.concat(maps.each(one, settings), ignore_index=True), "fig7_single_cell")


def one(seed: int, settings: Settings) -> pd.DataFrame:
    """The curves of one encoder; the first seed's example is drawn."""
    adata, groupby, source = cells(settings)
    sc.pp.pca(adata, n_comps=50, random_state=0)
    scgce.tl.scvis(adata, rng=seed, device="cpu", key_added=MAP, n_epochs=20 if settings.quick else None)
    everything = adata.n_vars
    sparsities = ((SHOWN,) if settings.quick else SPARSITIES) + (everything,)
    options = {"use_rep": MAP, "device": "cpu", "sparsity": sparsities}
    scgce.tl.tgt(adata, groupby, **options, **PAPER)
    scgce.tl.dbm(adata, groupby, **options, **CONVENTION)
    if seed == 0:
        draw_example(adata, settings)
    return sweeps(adata).assign(seed=seed, data=source, n_cells=adata.n_obs, n_genes=everything)


def cells(settings: Settings) -> tuple[ad.AnnData, str, str]:
    """bipolar() if its files are cached, else the retina data beside the repository."""
    if BIPOLAR.exists():
        adata, groupby, source = bipolar(), "cluster", "bipolar (GSE81904)"
    else:
        adata, groupby, source = read("retina"), FILES["retina"][1], "human retina (GSE130636)"
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


def draw_example(adata: ad.AnnData, settings: Settings) -> None:
    """The pair that gains most from TGT at the shown sparsity: DBM cut, TGT."""
    tgt, dbm = (scgce.get.metrics(adata, sparsity=SHOWN, key=key) for key in ("tgt", "dbm"))
    pair = tgt.loc[((tgt["correctness"] + tgt["coverage"]) - (dbm["correctness"] + dbm["coverage"])).idxmax()]
    options = {"sparsity": SHOWN, "basis": MAP, "return_fig": True, "show": False}
    for name, key in (("fig3_single_cell_dbm", "dbm"), ("fig9_single_cell_tgt", "tgt")):
        figure = scgce.pl.explanation(adata, str(pair["source"]), str(pair["target"]), key=key, **options)
        settings.figure(figure, name)
