"""Data as they come: each hazard of one table is either survived by every tool, or refused by every tool, by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.contract._api import GROUPS, at_hand, call, function, given_axes, tiny
from tests.tl._frozen import frozen

import scgce

EXPLAINERS = (
    *("tl.tgt", "tl.dbm", "tl.lasso", "tl.random_genes", "tl.marker_tests"),
    *at_hand(["tl.integrated_gradients"]),
)
EMBEDDERS = ("tl.scvis", "tl.autoencoder", "tl.umap_loss")


def with_values(adata: ad.AnnData, X: np.ndarray) -> ad.AnnData:
    """The cells with other values, and the PCA that belongs to them."""
    X = np.asarray(X, dtype=np.float64)
    adata.X = sparse.csr_matrix(X, dtype=np.float32)
    centred = X - X.mean(axis=0)
    _, _, loadings = np.linalg.svd(centred, full_matrices=False)
    pcs = np.ascontiguousarray(loadings[:4].T)
    adata.obsm["X_pca"], adata.varm["PCs"] = centred @ pcs, pcs
    return adata


def values(adata: ad.AnnData) -> np.ndarray:
    return adata.X.toarray().astype(np.float64)  # type: ignore[no-any-return]


def labelled(adata: ad.AnnData, labels: Any) -> ad.AnnData:
    adata.obs["group"] = labels
    return adata


def renamed(*names: Any) -> Callable[[ad.AnnData], ad.AnnData]:
    def rename(adata: ad.AnnData) -> ad.AnnData:
        codes = adata.obs["group"].cat.codes.to_numpy()
        column = np.array(names, dtype=object)[codes] if len(set(map(type, names))) > 1 else np.array(names)[codes]
        return labelled(adata, pd.Series(column, index=adata.obs_names).astype("category"))

    return rename


def edited(change: Callable[[np.ndarray], Any]) -> Callable[[ad.AnnData], ad.AnnData]:
    def edit(adata: ad.AnnData) -> ad.AnnData:
        X = values(adata)
        found = change(X)
        return with_values(adata, X if found is None else found)

    return edit


def spoiled(value: float) -> Callable[[ad.AnnData], ad.AnnData]:
    def spoil(adata: ad.AnnData) -> ad.AnnData:
        adata.X.data[5] = value
        return adata

    return spoil


def zero_genes(X: np.ndarray) -> None:
    X[:, [2, 11]] = 0.0


def zero_cells(X: np.ndarray) -> None:
    X[[0, 1, 2, 40]] = 0.0


def constant_genes(X: np.ndarray) -> None:
    X[:, [1, 10]] = 2.5


def one_gene(adata: ad.AnnData) -> ad.AnnData:
    few = adata[:, :1].copy()
    del few.varm["PCs"]
    return with_values(few, values(few))


def more_genes_than_cells(adata: ad.AnnData) -> ad.AnnData:
    few = adata[:24]
    wide = np.tile(few.X.toarray(), (1, 10)) + np.random.default_rng(0).poisson(0.3, (24, 120))
    return with_values(ad.AnnData(wide.astype(np.float32), obs=few.obs.copy()), wide)


def unequal_sizes(adata: ad.AnnData) -> ad.AnnData:
    """1,500 cells of one group beside five and six of the others."""
    codes = adata.obs["group"].cat.codes.to_numpy()
    rows = np.concatenate([np.resize(np.flatnonzero(codes == g), n) for g, n in enumerate((1500, 5, 6))])
    obs = adata.obs.iloc[rows].set_axis([f"cell{i}" for i in range(len(rows))])
    large = ad.AnnData(adata.X[rows], obs=obs, var=adata.var)
    return with_values(large, values(large))


def many_groups(adata: ad.AnnData, count: int = 200) -> ad.AnnData:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(count), 3)
    X = rng.normal(size=(count, 6))[codes] * 3 + rng.normal(scale=0.2, size=(3 * count, 6))
    obs = pd.DataFrame({"group": pd.Categorical([f"g{code}" for code in codes])})
    return with_values(ad.AnnData(X.astype(np.float32), obs=obs.set_axis([f"cell{i}" for i in range(len(X))])), X)


def one_cell_group(adata: ad.AnnData) -> ad.AnnData:
    labels = adata.obs["group"].astype(object)
    labels.iloc[0] = "alone"
    return labelled(adata, labels.astype("category"))


def no_group_for_some(adata: ad.AnnData) -> ad.AnnData:
    labels = adata.obs["group"].astype(object)
    labels.iloc[:20] = np.nan
    return labelled(adata, pd.Categorical(labels, categories=[*GROUPS, "unused"]))


def two_groups(adata: ad.AnnData) -> ad.AnnData:
    return labelled(adata, adata.obs["half"])


def duplicated_cells(adata: ad.AnnData) -> ad.AnnData:
    adata.obs_names = ["cell"] * adata.n_obs
    return adata


def named_genes(adata: ad.AnnData) -> ad.AnnData:
    adata.var_names = ["HLA-A/B", "nan", "", "x" * 300, "ü☂", "1", "a b", "__proto__", "index", "group", "$x$", "NaN"]
    return adata


# Survived: explained, read, drawn and written by every tool.
SURVIVED: dict[str, Callable[[ad.AnnData], ad.AnnData]] = {
    "all-zero genes": edited(zero_genes),
    "all-zero cells": edited(zero_cells),
    "constant genes": edited(constant_genes),
    "negative values": edited(lambda X: (X - X.mean(axis=0)) / X.std(axis=0)),
    "values of a million": edited(lambda X: X * 1e6 + 0.5),
    "values of a millionth": edited(lambda X: X * 1e-6),
    "one gene": one_gene,
    "more genes than cells": more_genes_than_cells,
    "two groups": two_groups,
    "unequal sizes": unequal_sizes,
    "cells of no group": no_group_for_some,
    "integer labels": renamed(10, 2, 33),
    "boolean labels": lambda adata: labelled(adata, (adata.obs["half"] == "one").astype("category")),
    "unicode labels": renamed("ü☂", "日本", "é"),
    "long labels": renamed("a" * 40, "a" * 39 + "b", "c d " * 12),
    "slashes and spaces": renamed("CD4+/CD25 T Reg", " ", "a/b/c"),
    "labels that look missing": renamed("nan", "None", "-1"),
    "labels with markup": renamed("</script>", "$x_1$", "%s{}"),
    "odd gene names": named_genes,
    "duplicated cell names": duplicated_cells,
}


OF_VALUES, OF_GENES, OF_GROUPS = ("explanation", "levels"), ("translation",), ("metrics", "groups")
"""Pictures of amounts; with names of genes besides; of scores and names of groups."""
MORE_OF_GROUPS = ("heatmap", "sweep")
HARD_TO_WRITE = ("unicode labels", "long labels", "labels with markup")


def pictures(hazard: str) -> tuple[str, ...]:
    """Those that an odd value, or an odd name, may spoil."""
    place = list(SURVIVED).index(hazard)
    values, groups = place < list(SURVIVED).index("two groups"), "labels" in hazard or hazard == "slashes and spaces"
    return OF_VALUES + OF_GENES * (not groups) + OF_GROUPS * (not values) + MORE_OF_GROUPS * (hazard in HARD_TO_WRITE)


@dataclass(frozen=True)
class Refusal:
    """What the error must be, and say."""

    spoil: Callable[[ad.AnnData], ad.AnnData]
    message: str
    tools: tuple[str, ...] = EXPLAINERS


REFUSED: dict[str, Refusal] = {
    "NaN": Refusal(spoiled(np.nan), r"adata\.X holds 1 NaN or infinite values", (*EXPLAINERS, *EMBEDDERS)),
    "infinite": Refusal(spoiled(np.inf), r"adata\.X holds 1 NaN or infinite values", (*EXPLAINERS, *EMBEDDERS)),
    "one cell in a group": Refusal(one_cell_group, r"groupby='group'.*min_cells=3.*alone \(1\)"),
    "labels that coincide as text": Refusal(
        lambda adata: labelled(
            adata, pd.Series(np.array([1, "1"] * 36, dtype=object), index=adata.obs_names).astype("category")
        ),
        "groupby='group'.*same as text",
    ),
    "one group": Refusal(lambda adata: labelled(adata, "same"), "groupby='group'.*at least two"),
    "no group at all": Refusal(
        lambda adata: labelled(adata, pd.Categorical([None] * 72, categories=["a", "b"])), "groupby='group'"
    ),
    "a number as groups": Refusal(
        lambda adata: labelled(adata, np.random.default_rng(0).random(72) * np.arange(72)), "groupby='group'"
    ),
    "duplicated genes": Refusal(
        lambda adata: setattr(adata, "var_names", ["same"] * 12) or adata,
        "var_names are not unique: same",
        (*EXPLAINERS, *EMBEDDERS),
    ),
    "no cells": Refusal(lambda adata: adata[:0].copy(), "group"),
    "no genes": Refusal(lambda adata: adata[:, :0].copy(), "shape|X_pca|PCs|sparsity"),
    "a representation of other cells": Refusal(
        lambda adata: with_values(adata, values(adata)[::-1]) and _stale(adata), "X_pca"
    ),
}


def _stale(adata: ad.AnnData) -> ad.AnnData:
    adata.obsm["X_pca"] = np.random.default_rng(0).normal(size=adata.obsm["X_pca"].shape)
    return adata


def explain(name: str, adata: ad.AnnData) -> str:
    """Run an explaining tool, at sparsities that every hazard allows; the key of the result."""
    options: dict[str, Any] = {} if name == "tl.integrated_gradients" else {"sparsity": 1, "judges": False}
    if name == "tl.tgt":
        options["method"] = "truncate"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "adata.X looks like raw counts")
        warnings.filterwarnings("ignore", "Observation names are not unique")
        call(name, adata, **options)
    return name.removeprefix("tl.")


# Labels and names are read by the same function for all tools that explain without a descent: of those only one.
ONLY_OF_VALUES = ("tl.lasso", "tl.random_genes", "tl.marker_tests")
OF_NAMES = [hazard for hazard in SURVIVED if "labels" in hazard or "names" in hazard or hazard == "slashes and spaces"]


@pytest.mark.parametrize(
    "hazard, name",
    [
        pytest.param(hazard, name, marks=[pytest.mark.long] * (hazard in OF_NAMES and name in ONLY_OF_VALUES))
        for hazard in SURVIVED
        for name in EXPLAINERS
    ],
)
def test_every_tool_survives(name: str, hazard: str) -> None:
    adata = SURVIVED[hazard](tiny())
    key = explain(name, adata)
    entry = adata.uns[key]
    n_groups = len(entry["groups"])
    names = [str(label) for label in adata.obs["group"].cat.categories] if hazard != "cells of no group" else GROUPS
    assert list(entry["groups"]) == list(names)
    if name == "tl.integrated_gradients":
        assert np.isfinite(entry["attributions"]).all()
        return
    assert np.isfinite(entry["deltas"]).all() and np.isfinite(entry["means"]).all() and entry["epsilon"] > 0
    for field in ("correctness", "coverage"):
        assert entry[field].shape == (n_groups, n_groups)
        assert ((entry[field] >= 0) & (entry[field] <= 1)).all()
    assert (entry["n_genes"] <= 1).all()
    source, target = entry["groups"][:2]
    frame = scgce.get.explanation(adata, source, target, key=key)
    assert np.isfinite(frame["delta"]).all() and len(frame) <= 1
    if name != "tl.lasso":  # which fits A → B and B → A apart
        assert (frame["delta"] == -scgce.get.explanation(adata, target, source, key=key)["delta"]).all()
    assert len(scgce.get.metrics(adata, key=key)) == n_groups * (n_groups - 1)


@pytest.mark.filterwarnings("ignore:Glyph .* missing from:UserWarning")
@pytest.mark.parametrize("hazard", SURVIVED)
def test_what_was_survived_is_written_drawn_and_reported(hazard: str, tmp_path: Path) -> None:
    adata = SURVIVED[hazard](tiny())
    explain("tl.tgt", adata)
    source, target = adata.uns["tgt"]["groups"][:2]
    if hazard != "duplicated cell names":  # anndata warns about these when it reads
        adata.write_h5ad(tmp_path / "cells.h5ad")
        back = ad.read_h5ad(tmp_path / "cells.h5ad")
        pd.testing.assert_frame_equal(scgce.get.pairs(back), scgce.get.pairs(adata))
    before = frozen(adata)
    for name in pictures(hazard):
        chosen = (source, target) if name in ("explanation", "translation") else ()
        laid_out = hazard in (*HARD_TO_WRITE, "odd gene names")  # the layout hangs on nothing else that is odd here
        given = {"show": False} if laid_out else given_axes(f"pl.{name}")
        getattr(scgce.pl, name)(adata, *chosen, **given)
        plt.close("all")
    scgce.report(adata, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 10_000
    assert frozen(adata) == before


@pytest.mark.parametrize(
    "hazard", ["all-zero genes", "all-zero cells", "constant genes", "negative values", "one gene"]
)
@pytest.mark.parametrize("name", EMBEDDERS)
def test_every_embedding_survives(name: str, hazard: str) -> None:
    adata = SURVIVED[hazard](tiny())
    call(name, adata)
    key = f"X_{name.removeprefix('tl.')}"
    assert adata.obsm[key].shape == (adata.n_obs, 2) and np.isfinite(adata.obsm[key]).all()


@pytest.mark.parametrize(
    "name, hazard", [(name, hazard) for hazard, refusal in REFUSED.items() for name in refusal.tools]
)
def test_every_tool_refuses(name: str, hazard: str) -> None:
    refusal = REFUSED[hazard]
    adata = refusal.spoil(tiny())
    before = frozen(adata)
    with pytest.raises(ValueError, match=refusal.message):
        call(name, adata)
    assert frozen(adata) == before


@pytest.mark.parametrize("name", [*EXPLAINERS, *EMBEDDERS])
def test_counts_are_warned_about(name: str) -> None:
    adata = with_values(tiny(), values(tiny()) * 10)
    with pytest.warns(UserWarning, match=r"adata\.X looks like raw counts"):
        call(name, adata)


@pytest.mark.long
def test_two_hundred_groups() -> None:
    adata = many_groups(tiny())
    scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=2, judges=False, validation_fraction=0)
    frame = scgce.get.metrics(adata, key="dbm")
    assert len(frame) == 200 * 199
    assert frame["correctness"].between(0, 1).all() and (frame["n_genes"] == 2).all()
    assert scgce.get.panel(adata, 3, key="dbm")["gene"].is_unique


def test_every_explaining_tool_is_tried() -> None:
    writers = set(at_hand(f"tl.{name}" for name in scgce.tl.__all__))
    others = {
        "tl.evaluate",
        "tl.evidence",
        "tl.stability",
        "tl.lineages",
        "tl.rank_genes",
        "tl.embed_new",
        "tl.distill",
        "tl.panel",
        "tl.programs",
    }
    assert {*EXPLAINERS, *EMBEDDERS} == writers - others
    assert all(callable(function(name)) for name in others)
