"""What holds for every plot: words are legible at 3 and 30 groups, Axes and Figure come back, nothing is written."""

from __future__ import annotations

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from tests._results import blobs, store_programmes, store_result, store_stability
from tests.pl._legible import assert_legible

from scgce import pl, tl

PAIR = ("explanation", "translation", "dose", "stability")
SINGLE = (
    "groups",
    "codebook",
    "panel",
    "heatmap",
    "levels",
    "compare",
    "label_distribution",
    "embedding_shift",
    "training",
    "dose",
)


@cache
def stored(n_groups):
    """Everything that a plot reads, none of it found by a search; copied by `example`."""
    adata = store_programmes(store_result(blobs(n_groups, n_genes=60, cells=5)))
    store_result(adata, key="dbm", seed=5, selected=2)
    store_stability(adata)
    adata.obs["lineage"] = adata.obs["cell_type"].astype(str).str[:4].astype("category")
    steps = np.arange(50, 550, 50)
    history = {
        "step": steps,
        "learning_rate": steps * 0.0,
        "loss": 100 / steps,
        "held_out": 120 / steps,
        "kl": 1 / steps,
    }
    tl.panel(adata, "cell_type", 12, min_cells=1, validation_fraction=0)
    adata.uns["X_scvis"] = {"params": {}, "history": history}
    return adata


def example(n_groups):
    return stored(n_groups).copy()


def call(name, adata, **options):
    if name == "codebook":
        options["key"] = "in_programmes"
    first = sorted(adata.uns["tgt"]["groups"], key=len)[-2:] if name in PAIR else []
    first = ["cell_type", "lineage"] if name == "label_distribution" else first
    first = ["X_scvis"] if name == "training" else first
    return getattr(pl, name)(adata, *first, **options)


@pytest.mark.parametrize("name", pl.__all__)
@pytest.mark.parametrize("n_groups", [3, 30])
def test_every_word_is_legible(name, n_groups):
    adata = example(n_groups)
    before = set(adata.uns), set(adata.obs), set(adata.obsm)
    assert_legible(call(name, adata, return_fig=True))
    assert (set(adata.uns), set(adata.obs), set(adata.obsm)) == before


LONG = "CD4-positive, CD25-positive, alpha-beta regulatory T cell of the lamina propria of the mucosa of the colon "


def relabelled(adata, make):
    """The same results of groups with other names."""
    names = {old: make(g) for g, old in enumerate(adata.obs["cell_type"].cat.categories)}
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.rename_categories(names)
    adata.obs["lineage"] = adata.obs["cell_type"]
    for entry in adata.uns.values():
        if "groups" in entry:
            entry["groups"] = np.array([names[str(old)] for old in entry["groups"]], dtype=object)
            entry["params"].pop("reference", None)
    return adata


@pytest.mark.parametrize("name", pl.__all__)
def test_long_labels_leave_the_layout_as_it_is(name):
    """Of 60 letters, whole, and of 200, shortened."""
    adata = relabelled(example(6), lambda g: f"{g} {LONG * 2}"[: 60 if g % 2 else 200])
    figure = call(name, adata, return_fig=True)
    assert_legible(figure)
    usual = call(name, example(6), return_fig=True)
    for ax, other in zip(figure.axes, usual.axes, strict=True):
        assert (ax.get_window_extent().size > 0.45 * other.get_window_extent().size).all()


@pytest.mark.parametrize("name", pl.__all__)
def test_axes_of_the_user_are_used(name):
    adata = example(3)
    figure, ax = plt.subplots(figsize=(14, 7), layout="constrained")
    drawn = call(name, adata, ax=ax)
    if name in SINGLE:
        assert drawn is ax
    else:
        assert len(drawn) > 1
        assert all(isinstance(part, Axes) and part.get_figure() is figure for part in drawn)
    assert plt.get_fignums() == [figure.number]
    assert_legible(figure)


@pytest.mark.parametrize("name", pl.__all__)
def test_missing_results_are_named(name):
    adata = blobs(3)
    adata.obs["lineage"] = "a"
    adata.uns["tgt"] = {"groups": ["a", "b"]}
    if name == "label_distribution":
        pytest.skip("needs no result")
    with pytest.raises((KeyError, ValueError), match=r"tgt|X_scvis|tl.panel|in_programmes"):
        call(name, adata)
