"""Markers of every blood type against lists that public tutorials and reviews name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import anndata as ad
import pandas as pd
import scanpy as sc

from .data import cells
from .tools import OURS, Lists, by_test, cosg_lists, listed, ns_forest_lists

KNOWN = {
    "Naive CD4 T": "IL7R CCR7 LEF1 TCF7 SELL CD3D CD3E CD4 MAL NOSIP",
    "Memory CD4 T": "IL7R S100A4 CD3D CD3E IL32 LTB CD4 AQP3 CD2 CD27",
    "CD8 T": "CD8A CD8B CCL5 GZMK GZMA GZMH NKG7 CST7 CD3D KLRG1",
    "NK": "GNLY NKG7 GZMB PRF1 FGFBP2 SPON2 KLRD1 KLRF1 XCL2 FCGR3A",
    "B": "MS4A1 CD79A CD79B CD19 TCL1A CD74 HLA-DRA LINC00926 VPREB3 BANK1",
    "CD14+ Mono": "CD14 LYZ S100A8 S100A9 FCN1 CST3 LGALS2 S100A12 MS4A6A CCL3",
    "FCGR3A+ Mono": "FCGR3A MS4A7 LST1 CDKN1C RHOC AIF1 IFITM3 FCER1G HES4 CKB",
    "DC": "FCER1A CST3 CLEC10A CD1C HLA-DQA1 HLA-DQB1 HLA-DPB1 HLA-DPA1 HLA-DRB1 SERPINF1",
    "Platelet": "PPBP PF4 GNG11 SDPR TUBB1 CLU GP9 ITGA2B NRGN SPARC",
}
"""Ten of each: the Seurat and scanpy tutorials of these cells first, then the usual ones of reviews."""
TOP = 10
SET = "pbmc3k"


class Job(NamedTuple):
    """One tool's lists beside the known ones."""

    tool: str


def row(job: Job) -> pd.DataFrame:
    """Share of the ten known genes among the first ten of a tool's list, one column a type."""
    by_type = LISTS[job.tool](cells(SET).copy())
    found = {name: len(set(by_type.get(name, [])[:TOP]) & set(known.split())) / TOP for name, known in KNOWN.items()}
    return pd.DataFrame([{"tool": job.tool, "mean": sum(found.values()) / len(found), **found}])


def _scgce(adata: ad.AnnData) -> Lists:
    """Means over the fitting cells only, as every result of scgce stores them."""
    import scgce

    sc.pp.pca(adata, n_comps=30)
    scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=20, judges=False, key_added="explained")
    scgce.tl.rank_genes(adata, "explained")
    return listed(adata)


LISTS: dict[str, Callable[[ad.AnnData], Lists]] = {
    OURS: _scgce,
    "Wilcoxon": by_test("wilcoxon"),
    "t-test": by_test("t-test"),
    "logistic regression": by_test("logreg"),
    "COSG": cosg_lists,
    "NS-Forest": ns_forest_lists,
}
