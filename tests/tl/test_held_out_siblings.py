"""The same explanation read through every door after what people do to their cells between two tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import scgce
from scgce.pl._explanation import explanation_data
from scgce.store.cells import REPORT

GROUPS = ("B/1", "T cell", "NK", "3")


@pytest.fixture(scope="module")
def _explained(_blobs: ad.AnnData) -> ad.AnnData:
    blobs = _blobs[:, :20].copy()
    sc.pp.pca(blobs, n_comps=5)
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=[4], method="truncate", judges=False)
    return blobs


@pytest.fixture
def explained(_explained: ad.AnnData) -> ad.AnnData:
    return _explained.copy()


def permuted(adata: ad.AnnData) -> ad.AnnData:
    return adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()


def joined(adata: ad.AnnData) -> ad.AnnData:
    """With as many cells of a group that was not explained, in between, under names of their own."""
    other = adata[::3].copy()
    other.obs_names = [f"other {name}" for name in other.obs_names]
    other.obs["group"] = "not explained"
    found = ad.concat([adata[:150], other, adata[150:]], merge="same")
    found.obs["group"] = found.obs["group"].astype("category")
    found.uns.update(adata.uns)
    return found


def regrouped(adata: ad.AnnData) -> ad.AnnData:
    """Clustered again, the same names for other cells."""
    found = adata.copy()
    found.obs["group"] = np.roll(found.obs["group"].to_numpy().astype(object), 1)
    found.obs["group"] = found.obs["group"].astype("category")
    return found


def renamed(adata: ad.AnnData) -> ad.AnnData:
    found = adata.copy()
    found.obs["group"] = found.obs["group"].cat.rename_categories({"NK": "3", "3": "NK"})
    return found


# How the cells were changed, and whether it is warned about.
CHANGED: dict[str, tuple[Callable[[ad.AnnData], ad.AnnData], bool]] = {
    "copied": (ad.AnnData.copy, False),
    "permuted": (permuted, False),
    "genes turned round": (lambda adata: adata[:, ::-1].copy(), False),
    "joined with others": (joined, False),
    "clustered again": (regrouped, True),
    "categories renamed": (renamed, True),
}
LINEAGES = {"x": list(GROUPS[:2]), "y": list(GROUPS[2:])}


def scores(adata: ad.AnnData, key: str) -> np.ndarray:
    return scgce.get.metrics(adata, key=key)[["correctness", "coverage", "self_similarity"]].to_numpy()


def through(door: str, adata: ad.AnnData, folder: Path) -> Any:
    """What a door says of the cells, as numbers."""
    if door == "evaluate":
        scgce.tl.evaluate(adata, judges=False)
        return scores(adata, "tgt_evaluated")
    if door == "evidence":
        scgce.tl.evidence(adata, n_permutations=0, doses=(0.5, 1.0))
        return np.nan_to_num(adata.uns["tgt"]["evidence"]["dose_correctness"])
    if door == "lineages":
        scgce.tl.lineages(adata, LINEAGES, judges=False)
        return scores(adata, "lineages")
    if door == "plots":
        moved = explanation_data(adata, "B/1", "NK").query("state == 'translated'").sort_values(["direction", "cell"])
        return moved[["x", "y"]].to_numpy()
    scgce.report(adata, folder / "page.html")
    return np.zeros(0)


DOORS = ("evaluate", "evidence", "lineages", "plots", "report")


@pytest.fixture(scope="module")
def untouched(_explained: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every door says of the cells as they were."""
    return {door: through(door, _explained.copy(), tmp_path_factory.mktemp(door)) for door in DOORS}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("how", CHANGED)
def test_every_door_reads_the_same_cells(
    explained: ad.AnnData, untouched: dict[str, Any], how: str, door: str, tmp_path: Path
) -> None:
    change, warned = CHANGED[how]
    changed = change(explained)
    if warned:
        with pytest.warns(UserWarning, match=r"obs\['group'\] gives \d+ of the explained cells other labels"):
            found = through(door, changed, tmp_path)
    else:
        found = through(door, changed, tmp_path)
    np.testing.assert_allclose(found, untouched[door], atol=1e-4)


def test_of_a_subset_only_reported_cells_are_scored(explained: ad.AnnData) -> None:
    some = explained[::2].copy()
    scgce.tl.evaluate(some, judges=False)
    split = explained.uns["tgt"]["split"][::2]
    params = some.uns["tgt_evaluated"]["params"]
    assert params["cells_scored"] == (split == REPORT).sum()
    assert params["cells_left_out"] == (split != REPORT).sum()


def test_labels_renamed_on_other_cells_are_named(explained: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    """Of cells that are new nothing but the label says which group they are of."""
    caplog.set_level("INFO", "scgce")
    new = explained.copy()
    new.obs_names = [f"new {name}" for name in new.obs_names]
    new.X = new.X * 1.01
    new.obs["group"] = new.obs["group"].cat.rename_categories({"NK": "natural killer"})
    with pytest.warns(UserWarning, match=r"left out: natural killer \(\d+ cells\); .* without cells: NK\."):
        scgce.tl.evaluate(new, reference=explained, judges=False)
    assert set(scgce.get.metrics(new, key="tgt_evaluated")["source"]) == {"B/1", "T cell", "3"}
    caplog.clear()
    scgce.tl.evaluate(new[new.obs["group"] != "natural killer"].copy(), reference=explained, judges=False)
    assert "groups of the explanation without cells: NK" in caplog.text
