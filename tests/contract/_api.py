"""One table of every public function: how it is called on tiny data, what must be there first, what it writes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import sparse

import scgce

GROUPS = ("B/1", "T cell", "NK")
N_CELLS, N_GENES = 72, 12


def tiny(dtype: Any = np.float32) -> ad.AnnData:
    """72 cells × 12 genes (CSR, whole numbers up to 15) in 3 groups, with an exact PCA, a map and a graph.

    Whole numbers, so that integers hold the same values and sums over cells are exact in every precision.
    """
    rng = np.random.default_rng(3)
    codes = np.arange(N_CELLS) % len(GROUPS)
    rate = np.full((len(GROUPS), N_GENES), 0.4)
    for group in range(len(GROUPS)):
        rate[group, 3 * group : 3 * group + 3] = 6.0
    X = np.minimum(rng.poisson(rate[codes]), 15).astype(np.float64)
    centred = X - X.mean(axis=0)
    _, _, loadings = np.linalg.svd(centred, full_matrices=False)
    pcs = np.ascontiguousarray(loadings[:4].T)
    obs = pd.DataFrame({"group": pd.Categorical.from_codes(codes, GROUPS)})
    obs.index = [f"cell{i}" for i in range(N_CELLS)]
    obs["half"] = pd.Categorical(np.where(codes == 0, "one", "other"))
    adata = ad.AnnData(
        sparse.csr_matrix(X, dtype=dtype), obs=obs, var=pd.DataFrame(index=[f"gene{g}" for g in range(N_GENES)])
    )
    adata.obsm["X_pca"], adata.varm["PCs"] = centred @ pcs, pcs
    adata.obsm["X_umap"] = (centred @ pcs[:, :2]).astype(np.float32)
    nearest = ((adata.obsm["X_pca"][:, None] - adata.obsm["X_pca"][None]) ** 2).sum(axis=-1).argsort(axis=1)[:, 1:7]
    graph = sparse.csr_matrix((np.ones(nearest.size, np.float32), (np.repeat(np.arange(N_CELLS), 6), nearest.ravel())))
    adata.obsp["connectivities"] = graph.maximum(graph.T)
    return adata


@dataclass(frozen=True)
class Entry:
    """A public function in the table."""

    options: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[Any, ...] = ()
    needs: tuple[str, ...] = ()
    """Tools run before, in order."""
    writes: tuple[str, ...] = ()
    """Everything of the AnnData that it may add or change: ``"slot/key"``."""


EXPLAIN: dict[str, Any] = {"use_rep": "X_pca", "sparsity": (1, 3), "validation_fraction": 0.2}
EMBED: dict[str, Any] = {"batch_size": 24, "device": "cpu"}
# Trained on the genes: exactly the same numbers from every kind of matrix, which training would else drive apart.
ON_GENES: dict[str, Any] = {**EMBED, "use_rep": "X", "n_epochs": 2}
PAIR = ("B/1", "T cell")

TABLE: dict[str, Entry] = {
    "tl.tgt": Entry({**EXPLAIN, "method": "truncate"}, ("group",), writes=("uns/tgt",)),
    "tl.dbm": Entry(EXPLAIN, ("group",), writes=("uns/dbm",)),
    "tl.lasso": Entry({**EXPLAIN, "sparsity": 1}, ("group",), writes=("uns/lasso",)),
    "tl.panel": Entry({"n_genes": 4, "validation_fraction": 0.2}, ("group",), writes=("uns/panel",)),
    "tl.random_genes": Entry(EXPLAIN, ("group",), writes=("uns/random_genes",)),
    "tl.marker_tests": Entry(EXPLAIN, ("group",), writes=("uns/marker_tests",)),
    "tl.integrated_gradients": Entry(
        {"use_rep": "X_pca", "n_pairs": 4, "n_steps": 4, "validation_fraction": 0.2},
        ("group",),
        writes=("uns/integrated_gradients",),
    ),
    "tl.evaluate": Entry(needs=("tl.tgt",), writes=("uns/tgt_evaluated",)),
    "tl.evidence": Entry({"n_permutations": 5}, needs=("tl.tgt",), writes=("uns/tgt",)),
    "tl.stability": Entry({"n_bootstraps": 2}, needs=("tl.tgt",), writes=("uns/tgt",)),
    "tl.lineages": Entry(
        arguments=({"B/1": "one", "T cell": "other", "NK": "other"},),
        needs=("tl.tgt",),
        writes=("uns/lineages", "obs/lineages"),
    ),
    "tl.programs": Entry({"source": "profile", "n_programs": 3}, ("group",), writes=("uns/programs", "varm/programs")),
    "tl.rank_genes": Entry(needs=("tl.tgt",), writes=("uns/rank_genes_groups",)),
    "tl.scvis": Entry(
        {**ON_GENES, "perplexity": 5.0, "per_cell": True},
        writes=(
            "uns/X_scvis",
            "obsm/X_scvis",
            "obs/scvis_log_likelihood",
            "obs/scvis_variance_1",
            "obs/scvis_variance_2",
        ),
    ),
    "tl.autoencoder": Entry(ON_GENES, writes=("uns/X_autoencoder", "obsm/X_autoencoder")),
    "tl.umap_loss": Entry(ON_GENES, writes=("uns/X_umap_loss", "obsm/X_umap_loss")),
    "tl.distill": Entry(
        {**EMBED, "n_steps": 100, "n_pcs": 4, "hidden": (8,), "noise": 0.1},
        ("X_umap",),
        writes=("uns/X_umap_student", "obsm/X_umap_student"),
    ),
    "tl.embed_new": Entry(
        {"key": "X_autoencoder", "key_added": "X_new"}, needs=("tl.autoencoder",), writes=("uns/X_new", "obsm/X_new")
    ),
    "get.attributions": Entry(arguments=PAIR, needs=("tl.integrated_gradients",)),
    "get.changes": Entry({"other_key": "dbm"}, needs=("tl.tgt", "tl.dbm")),
    "get.compare": Entry(arguments=(["tgt", "dbm"],), needs=("tl.tgt", "tl.dbm")),
    "get.contrasts": Entry(needs=("tl.tgt",)),
    "get.deltas": Entry(needs=("tl.tgt",)),
    "get.evidence": Entry(needs=("tl.tgt", "tl.evidence")),
    "get.explanation": Entry(arguments=PAIR, needs=("tl.tgt",)),
    "get.markers": Entry(needs=("tl.tgt",)),
    "get.metrics": Entry(needs=("tl.tgt",)),
    "get.pairs": Entry(needs=("tl.tgt",)),
    "get.panel": Entry(needs=("tl.tgt",)),
    "get.panel_curve": Entry(needs=("tl.panel",)),
    "get.panel_pairs": Entry(needs=("tl.panel",)),
    "get.programs": Entry(needs=("tl.programs",)),
    "get.stability": Entry(needs=("tl.tgt", "tl.stability")),
    "get.sweep": Entry(needs=("tl.tgt",)),
    "get.unexplained": Entry(needs=("tl.tgt", "tl.evidence")),
    "get.codebook": Entry({"key": "in_programmes"}, needs=("tl.tgt in programmes",)),
    "pl.codebook": Entry({"key": "in_programmes"}, needs=("tl.tgt in programmes",)),
    "pl.compare": Entry(needs=("tl.tgt", "tl.dbm")),
    "pl.contrasts": Entry(needs=("tl.tgt",)),
    "pl.dose": Entry(arguments=PAIR, needs=("tl.tgt",)),
    "pl.embedding_shift": Entry({"basis": "X_pca"}, needs=("tl.tgt",)),
    "pl.explanation": Entry(arguments=PAIR, needs=("tl.tgt",)),
    "pl.groups": Entry(arguments=("group",)),
    "pl.heatmap": Entry(needs=("tl.tgt",)),
    "pl.label_distribution": Entry(arguments=("group", "half")),
    "pl.levels": Entry(needs=("tl.tgt",)),
    "pl.markers": Entry(needs=("tl.tgt",)),
    "pl.metrics": Entry(needs=("tl.tgt",)),
    "pl.panel": Entry(needs=("tl.panel",)),
    "pl.path": Entry(needs=("tl.tgt",)),
    "pl.stability": Entry(arguments=PAIR, needs=("tl.tgt", "tl.stability")),
    "pl.sweep": Entry(needs=("tl.tgt",)),
    "pl.training": Entry(arguments=("X_autoencoder",), needs=("tl.autoencoder",)),
    "pl.translation": Entry(arguments=PAIR, needs=("tl.tgt",)),
}

# Run in this order, they leave everything that another function needs.
EVERYTHING = (
    "tl.tgt",
    "tl.dbm",
    "tl.evidence",
    "tl.stability",
    "tl.integrated_gradients",
    "tl.autoencoder",
    "tl.panel",
    "tl.programs",
    "tl.tgt in programmes",
)

# Other ways to call a function of the table, for what needs them.
VARIANTS: dict[str, Entry] = {
    "tl.tgt in programmes": Entry(
        {**EXPLAIN, "sparsity": (1, 2), "programs": "profile", "key_added": "in_programmes"},
        ("group",),
        writes=("uns/in_programmes",),
    ),
}


def function(name: str) -> Callable[..., Any]:
    """The public function ``"tl.tgt"``."""
    module, _, member = name.partition(" ")[0].partition(".")
    return getattr(getattr(scgce, module), member)  # type: ignore[no-any-return]


OF_AN_EXTRA = {"tl.integrated_gradients": "captum", "get.attributions": "captum"}


def at_hand(names: Iterable[str]) -> list[str]:
    """Those of the functions whose extra is installed."""
    return [name for name in names if name not in OF_AN_EXTRA or find_spec(OF_AN_EXTRA[name]) is not None]


def public() -> list[str]:
    """Every public function on AnnData that can be called here."""
    return at_hand(f"{part}.{name}" for part in ("tl", "get", "pl") for name in getattr(scgce, part).__all__)


def prepared(name: str, adata: ad.AnnData) -> ad.AnnData:
    """The AnnData after the tools that must run before ``name``."""
    for tool in TABLE[name].needs:
        call(tool, adata)
    return adata


def call(name: str, adata: ad.AnnData, **options: Any) -> Any:
    """Call a public function as the table says; ``options`` replace its options by name."""
    entry = TABLE[name] if name in TABLE else VARIANTS[name]
    given = {**entry.options, **options}
    names = list(inspect.signature(function(name)).parameters)[1:]
    arguments = list(entry.arguments)
    for i, parameter in enumerate(names[: len(arguments)]):
        if parameter in given:
            arguments[i] = given.pop(parameter)
    return function(name)(adata, *arguments, **given)


def given_axes(name: str) -> dict[str, Any]:
    """Axes for a picture: the layout, which takes most of its time, is then left to their owner."""
    return {"ax": plt.subplots()[1]} if name.startswith("pl.") else {}


def drawn(figure: Any) -> list[np.ndarray]:
    """All numbers that a figure shows: lines, dots, bars, images."""
    found = []
    for ax in figure.axes:
        found += [np.asarray(line.get_xydata(), dtype=float) for line in ax.lines]
        found += [np.asarray(group.get_offsets(), dtype=float) for group in ax.collections]
        found += [np.array([patch.get_window_extent().bounds]) for patch in ax.patches]
        found += [np.asarray(image.get_array(), dtype=float) for image in ax.images]
    return found


def outcome(name: str, adata: ad.AnnData, **options: Any) -> Any:
    """What a function gives, as nested plain values: what it stored, its frame, or the numbers it drew."""
    if name.startswith("pl."):
        figure = call(name, adata, return_fig=True, **given_axes(name), **options)
        numbers = drawn(figure)
        plt.close(figure)
        return dict(enumerate(numbers))
    found = call(name, adata, **options)
    if name.startswith("get."):
        return {column: found[column].to_numpy() for column in found.columns} | {"index": np.asarray(found.index)}
    stored = {}
    for place in TABLE[name].writes:
        slot, _, key = place.partition("/")
        value = getattr(adata, slot)[key]
        stored[place] = value.to_numpy() if isinstance(value, pd.Series) else value
    return stored
