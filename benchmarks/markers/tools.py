"""Every tool's panels: one ranked list, or one list for each size, from the cells that choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from typing import Any, TypeAlias

import anndata as ad
import numpy as np
import scanpy as sc
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

Panels = dict[int, list[str]]
Lists: TypeAlias = "dict[str, list[str]]"
Tool = Callable[[ad.AnnData, Sequence[int]], Panels]
N_VARIABLE = 2000
"""Genes given to the tools whose authors recommend variable genes, and those too slow for all."""


def dense(adata: ad.AnnData, genes: list[str]) -> np.ndarray:
    """Values of a few genes, float32 (n, |genes|)."""
    return adata[:, genes].to_df().to_numpy(np.float32)


def cut(ranking: Sequence[str], sizes: Sequence[int]) -> Panels:
    """Panels that are the beginnings of one list."""
    return {size: list(ranking[:size]) for size in sizes}


def round_robin(lists: Sequence[Sequence[str]]) -> list[str]:
    """The first gene of every group's list, then the second ones, each gene once."""
    return list(dict.fromkeys(gene for row in zip_longest(*lists) for gene in row if gene is not None))


def variable(adata: ad.AnnData, n_genes: int = N_VARIABLE) -> list[str]:
    """The most variable genes (scanpy's default flavour), the most variable first."""
    table = sc.pp.highly_variable_genes(adata, n_top_genes=min(n_genes, adata.n_vars), inplace=False)
    order = table["dispersions_norm"].fillna(-np.inf).to_numpy().argsort(kind="stable")[::-1]
    return adata.var_names[order[:n_genes]].tolist()


def in_turn(lists: Callable[[ad.AnnData], Lists]) -> Tool:
    """Panels of a tool that lists markers: the groups' lists in turn."""

    def tool(adata: ad.AnnData, sizes: Sequence[int]) -> Panels:
        return cut(round_robin(list(lists(adata).values())), sizes)

    return tool


def listed(adata: ad.AnnData, key: str = "rank_genes_groups") -> Lists:
    """The lists that a tool has stored as scanpy does."""
    names = adata.uns.pop(key)["names"]
    return {group: names[group].tolist() for group in names.dtype.names}


def by_test(method: str) -> Callable[[ad.AnnData], Lists]:
    """Scanpy's lists."""

    def lists(adata: ad.AnnData) -> Lists:
        sc.tl.rank_genes_groups(adata, "group", method=method, use_raw=False)
        return listed(adata)

    return lists


def cosg_lists(adata: ad.AnnData) -> Lists:
    """COSG as its authors call it (mu=1)."""
    import cosg

    cosg.cosg(adata, key_added="cosg", mu=1, n_genes_user=100, groupby="group", use_raw=False)
    return listed(adata, "cosg")


def logistic(model: Any, *, scaled: bool = True) -> Tool:
    """A regression on variable genes, scaled or as log values; largest sum of absolute weights first."""

    def tool(adata: ad.AnnData, sizes: Sequence[int]) -> Panels:
        genes = variable(adata)
        X = sc.pp.scale(dense(adata, genes), max_value=10) if scaled else dense(adata, genes)
        fitted = clone(model).fit(X, adata.obs["group"].astype(str))
        weights = np.abs(np.vstack([one.coef_ for one in getattr(fitted, "estimators_", [fitted])])).sum(axis=0)
        return cut(np.array(genes)[np.argsort(-weights, kind="stable")].tolist(), sizes)

    return tool


def forest(adata: ad.AnnData, sizes: Sequence[int]) -> Panels:
    """Importances (Gini) of a random forest of 300 trees on all genes."""
    model = RandomForestClassifier(300, random_state=0).fit(adata.X, adata.obs["group"].astype(str))
    return cut(adata.var_names[np.argsort(-model.feature_importances_, kind="stable")].tolist(), sizes)


def ns_forest_lists(adata: ad.AnnData) -> Lists:
    """NS-Forest's markers of every group, then its binary genes.

    The defaults of its authors, but 300 trees a group instead of 1,000, so that a split takes minutes. Where its strict
    choice of binary genes leaves a group none, which it cannot use, the next milder one that it offers.
    """
    import contextlib
    import io
    import tempfile

    import nsforest as package

    silent = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with silent[0], silent[1], tempfile.TemporaryDirectory() as folder:
        adata = package.pp.prep_medians(adata, "group") or adata
        adata = package.pp.prep_binary_scores(adata, "group") or adata
        scores = adata.varm["binary_scores_group"]
        values = scores.to_numpy()[~np.isnan(scores.to_numpy())]
        levels = {"high": values.mean() + 2 * values.std(ddof=1), "moderate": values.mean() + values.std(ddof=1)}
        level = next((name for name, least in levels.items() if (scores >= least).any().all()), "mild")
        options = {"gene_selection": f"BinaryFirst_{level}", "n_trees": 300, "n_jobs": 1, "output_folder": f"{folder}/"}
        found = package.nsforesting.NSForest(adata, "group", **options)
    lists = {row.clusterName: [*row.NSForest_markers, *row.binary_genes] for row in found.itertuples()}
    return {group: list(dict.fromkeys(genes)) for group, genes in lists.items()}


def sc_gene_fit(adata: ad.AnnData, sizes: Sequence[int]) -> Panels:
    """scGeneFit's linear programme on the centres of the groups, all pairs, one run for every size; variable genes."""
    from scGeneFit.functions import get_markers

    genes = variable(adata, 1000)
    X, labels = dense(adata, genes).astype(float), adata.obs["group"].cat.codes.to_numpy()
    found = {}
    for size in sizes:
        np.random.seed(0)  # noqa: NPY002 (the package draws its constraints from numpy's global generator)
        chosen = get_markers(X, labels, size, method="centers", redundancy=1, verbose=False)
        found[size] = [genes[index] for index in chosen]
    return found


def scgce_panel(adata: ad.AnnData, sizes: Sequence[int]) -> Panels:
    """`tl.panel`, one call for every size; all cells of the choosing half learn, since the other half scores."""
    import scgce

    found = {}
    for size in sizes:
        scgce.tl.panel(adata, "group", size, validation_fraction=0, min_cells=1, key_added="tool")
        found[size] = scgce.get.panel(adata, key="tool")["gene"].tolist()
        del adata.uns["tool"]
    return found


def random_genes(adata: ad.AnnData, sizes: Sequence[int]) -> Panels:
    return cut(np.random.default_rng(adata.n_obs).permutation(adata.var_names).tolist(), sizes)


OURS = "scgce"
TOOLS: dict[str, Tool] = {
    OURS: scgce_panel,
    "Wilcoxon": in_turn(by_test("wilcoxon")),
    "t-test": in_turn(by_test("t-test")),
    "logistic l2": logistic(LogisticRegression(max_iter=300)),
    "logistic l2, unscaled": logistic(LogisticRegression(max_iter=300), scaled=False),
    "logistic l1": logistic(OneVsRestClassifier(LogisticRegression(l1_ratio=1.0, solver="liblinear", C=0.1))),
    "random forest": forest,
    "COSG": in_turn(cosg_lists),
    "NS-Forest": in_turn(ns_forest_lists),
    "scGeneFit": sc_gene_fit,
    "variable genes": lambda adata, sizes: cut(variable(adata), sizes),
    "random genes": random_genes,
}
NEEDS = {"COSG": "cosg", "NS-Forest": "nsforest", "scGeneFit": "scGeneFit"}


def available() -> list[str]:
    """The tools whose package is installed."""
    return [name for name in TOOLS if name not in NEEDS or find_spec(NEEDS[name]) is not None]
