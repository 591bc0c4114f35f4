"""The cells: five groupings of four public sets, in halves; the first half has the map's encoder."""

from __future__ import annotations

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
from benchmarks._cells import blood, logged, read, with_umap
from benchmarks._run import whole

SETS = {
    "pbmc3k": ("pbmc3k", "cell_type"),
    "retina (11)": ("retina", "cell_type"),
    "retina (18)": ("retina", "cluster_label"),
    "paul15": ("paul15", "paul15_clusters"),
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

    def halved(self) -> bool:
        """Make the half that fits and selects, with its map's encoder, and the half that is scored, once."""
        if not all(file.exists() for file in self._files):
            for part, file in zip(_halved(self.name, self.kind, DEPTHS[self.depth]), self._files, strict=True):
                whole(file, part.write_h5ad)
        return True

    def halves(self) -> Halves:
        """Both halves; made once a run."""
        self.halved()
        fitting, scored = map(ad.read_h5ad, self._files)
        return fitting, scored

    @property
    def _files(self) -> list[Path]:
        return [self.file(f"{part}.h5ad") for part in ("fitting", "scored")]

    def once(self, what: str, make: Callable[[], Any]) -> Any:
        """What several jobs of this case need, made by the first."""
        file = self.file(f"{what}.joblib")
        if not file.exists():
            made = make()
            whole(file, lambda partial: joblib.dump(made, partial))
        return joblib.load(file)


def forget() -> None:
    """Make the halves anew."""
    shutil.rmtree(CACHE, ignore_errors=True)


def _halved(name: str, kind: str, depth: float | None) -> Halves:
    """The UMAP is one of all cells, as people have it; its student, the PCA of its input and scvis see one half."""
    file, groupby = SETS[name]
    adata = logged(read(file), depth) if file else blood()
    if file:
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sizes = adata.obs[groupby].value_counts()
    adata = adata[adata.obs[groupby].isin(sizes.index[sizes >= FEWEST])].copy()
    if file and kind == "UMAP":
        with_umap(adata)
    else:
        sc.pp.pca(adata, n_comps=50, random_state=0)
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
