"""The cells: five groupings of four public sets, in halves; the first half has the map's encoder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import anndata as ad
import joblib
import numpy as np
import pandas as pd
import scanpy as sc

import scgce

PLACE = "SCGCE_BENCHMARK_DATA"
"""Environment variable with the folder of the three files, where they do not lie beside the checkout."""
SETS = {
    "pbmc3k": ("pbmc3k_raw_labelled.h5ad", "cell_type"),
    "retina (11)": ("voigt_human_retina.h5ad", "cell_type"),
    "retina (18)": ("voigt_human_retina.h5ad", "cluster_label"),
    "paul15": ("paul15.h5ad", "paul15_clusters"),
    "pbmc68k_reduced": ("", "bulk_labels"),
}
MAPS = {"UMAP": "X_map", "PCA": "X_pca", "scvis": "X_map"}
DEPTHS: dict[str, float | None] = {"10,000": 1e4, "median": None}
FEWEST = 8
"""Groups of fewer cells are left out: half of them is too little to fit, select and score on."""
CACHE = Path(tempfile.gettempdir()) / "scgce-programmes-cache"

Halves = tuple[ad.AnnData, ad.AnnData]


@dataclass(frozen=True)
class Case:
    """A data set in one map at one depth."""

    name: str
    kind: str
    depth: str

    @property
    def groupby(self) -> str:
        """Column of the groups."""
        return SETS[self.name][1]

    @property
    def rep(self) -> str:
        """Key of the map."""
        return MAPS[self.kind]

    def file(self, what: str) -> Path:
        """Of the cache."""
        return CACHE / "-".join([*astuple(self), what]).replace(" ", "")

    def halves(self) -> Halves:
        """The half that fits and selects, with its map's encoder, and the half that is scored; made once a run."""
        files = [self.file(f"{part}.h5ad") for part in ("fitting", "scored")]
        if not all(file.exists() for file in files):
            for part, file in zip(_halved(self.name, self.kind, DEPTHS[self.depth]), files, strict=True):
                _whole(file, part.write_h5ad)
        fitting, scored = (ad.read_h5ad(file) for file in files)
        return fitting, scored

    def once(self, what: str, make: Callable[[], Any]) -> Any:
        """What several jobs of this case need, made by the first."""
        file = self.file(f"{what}.joblib")
        if not file.exists():
            made = make()
            _whole(file, lambda partial: joblib.dump(made, partial))
        return joblib.load(file)


def forget() -> None:
    """Make the halves anew."""
    shutil.rmtree(CACHE, ignore_errors=True)


def _whole(file: Path, write: Callable[[Path], Any]) -> None:
    """Write a file that is there as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{os.getpid()}-{file.name}")
    write(partial)
    partial.replace(file)


def read(file: str) -> ad.AnnData:
    """One of the data sets."""
    folder = Path(os.environ.get(PLACE) or Path(__file__).resolve().parents[3] / "shared" / "data")
    if not (folder / file).exists():
        raise FileNotFoundError(f"{folder / file} is missing; {PLACE} names the folder of the data sets")
    return ad.read_h5ad(folder / file)


def _halved(name: str, kind: str, depth: float | None) -> Halves:
    """The UMAP is one of all cells, as people have it; its student, the PCA of its input and scvis see one half."""
    file, groupby = SETS[name]
    adata = read(file) if file else sc.datasets.pbmc68k_reduced().raw.to_adata()
    if file:
        adata.X = adata.layers.pop("counts") if "counts" in adata.layers else adata.X
        adata = adata[:, np.asarray((adata.X > 0).sum(axis=0)).ravel() >= 3].copy()
        sc.pp.normalize_total(adata, target_sum=depth)
        sc.pp.log1p(adata)
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sizes = adata.obs[groupby].value_counts()
    adata = adata[adata.obs[groupby].isin(sizes.index[sizes >= FEWEST])].copy()
    sc.pp.pca(adata, n_comps=50, random_state=0)
    if file and kind == "UMAP":
        sc.pp.neighbors(adata, random_state=0)
        sc.tl.umap(adata, random_state=0)
    draws = pd.Series(np.random.default_rng(0).random(adata.n_obs), adata.obs_names)
    rank = draws.groupby(adata.obs[groupby], observed=True).rank(pct=True)
    fitting, scored = adata[rank.to_numpy() <= 0.5].copy(), adata[rank.to_numpy() > 0.5].copy()
    if kind == "PCA":
        return fitting, scored
    sc.pp.pca(fitting, n_comps=50, random_state=0)
    if kind == "UMAP":
        scgce.tl.distill(fitting, "X_umap", device="cpu", key_added="X_map")
    else:
        scgce.tl.scvis(fitting, device="cpu", key_added="X_map")
    return fitting, scored
