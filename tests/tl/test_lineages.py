"""`tl.lineages`: unions of groups explained by the groups' own basis."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from tests.tl._by_hand import assert_scored, delta, members, scored

import scgce

PARENT = {"T cell": "lymphoid/T", "NK": "lymphoid/T", "B/1": "B", "3": "other"}


@pytest.fixture(scope="module")
def explained(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs[np.r_[0:300][np.arange(300) % 8 != 2]].copy()  # T cells are twice as many as NK
    options = {"use_rep": "X_pca", "sparsity": (2, 5), "judges": False}
    scgce.tl.tgt(adata, "group", **options, method="truncate")
    scgce.tl.tgt(adata, "group", **options, method="path", key_added="path")
    scgce.tl.lineages(adata, PARENT, key="path", judges=False)
    return adata


def weighted(adata: ad.AnnData, key: str, parent: str, k: int) -> np.ndarray:
    basis = scgce.get.deltas(adata, key=key, sparsity=k).to_numpy()
    groups, sizes = [str(g) for g in adata.uns[key]["groups"]], adata.obs["group"].value_counts()
    inside = [g for g in groups if PARENT[g] == parent]
    return sum(sizes[g] * basis[groups.index(g)] for g in inside) / sum(sizes[g] for g in inside)


def test_translations_are_means_weighted_by_cells(explained: ad.AnnData) -> None:
    for source, target in permutations(["lymphoid/T", "B", "other"], 2):
        for k in (2, 5):
            expected = weighted(explained, "path", target, k) - weighted(explained, "path", source, k)
            np.testing.assert_allclose(delta(explained, source, target, "lineages", k), expected, atol=1e-5)


def test_averages_cannot_be_repeated(explained: ad.AnnData) -> None:
    adata = explained.copy()
    adata.uns["lineages"]["params"]["split_by"] = "donor"
    adata.obs["donor"] = np.array(list("abcdef"))[np.arange(adata.n_obs) % 6]
    said = "key='lineages' .*cannot be repeated.*key='path'"
    with pytest.raises(ValueError, match=said):
        scgce.tl.stability(adata, "lineages")
    with pytest.raises(ValueError, match=said):
        scgce.tl.evidence(adata, "lineages", by="donor", leave_one_out=True)


def test_metrics_count_the_cells_of_all_groups_in_a_lineage(explained: ad.AnnData) -> None:
    parts = members(explained, "path", 2)
    rows = {p: np.concatenate([parts[g] for g in PARENT if PARENT[g] == p]) for p in ("B", "lymphoid/T", "other")}
    frame = scgce.get.metrics(explained, key="lineages")
    assert_scored(frame, scored(explained, "lineages", rows=rows))
    assert explained.uns["lineages"]["epsilon"] == explained.uns["path"]["epsilon"]


def test_triangles_close_and_a_lineage_of_one_group_is_that_group(explained: ad.AnnData) -> None:
    def exact(source: str, target: str, key: str = "lineages") -> np.ndarray:
        return delta(explained, source, target, key, 5)

    np.testing.assert_allclose(
        exact("B", "lymphoid/T") + exact("lymphoid/T", "other"), exact("B", "other"), rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(exact("B", "other"), exact("B/1", "3", "path"), atol=1e-6)


def test_the_cut_leaves_k_genes(explained: ad.AnnData) -> None:
    scgce.tl.lineages(explained, PARENT, judges=False, key_added="cut")
    assert scgce.get.metrics(explained, key="cut", sparsity=2)["n_genes"].max() == 2


def test_a_column_of_obs_does_the_same_and_unmapped_groups_are_left_out(explained: ad.AnnData, tmp_path: Path) -> None:
    column = explained.obs["lineages"].astype(str)
    assert (column == explained.obs["group"].astype(str).map(PARENT)).all()
    explained.obs["by_hand"] = column
    scgce.tl.lineages(explained, "by_hand", key="path", judges=False, key_added="again")
    assert scgce.get.pairs(explained, key="again").equals(scgce.get.pairs(explained, key="lineages"))
    two = scgce.tl.lineages(explained, {"NK": "a", "B/1": "b"}, key="path", copy=True, key_added="two")
    assert set(two.obs["two"].dropna()) == {"a", "b"}
    assert two.obs["two"].isna().sum() == explained.obs["group"].isin(["T cell", "3"]).sum()
    two.write_h5ad(tmp_path / "two.h5ad")
    assert list(ad.read_h5ad(tmp_path / "two.h5ad").uns["two"]["groups"]) == ["b", "a"]


@pytest.mark.parametrize(
    ("lineage", "error", "says"),
    [
        ({"NK": "a", "T cell": "a"}, ValueError, "at least two"),
        ({"NK": "a", "Tcell": "b"}, KeyError, "Tcell"),
        ("nothing", KeyError, "nothing"),
        ("halves", ValueError, "have 2 labels of 'halves'"),
    ],
)
def test_errors_leave_the_object_alone(
    explained: ad.AnnData, lineage: object, error: type[Exception], says: str
) -> None:
    adata = explained.copy()
    adata.obs["halves"] = np.where(np.arange(adata.n_obs) % 3 == 0, "x", "y")
    columns = list(adata.obs)
    with pytest.raises(error, match=says):
        scgce.tl.lineages(adata, lineage, key="path", key_added="new")  # type: ignore[arg-type]
    assert "new" not in adata.uns and list(adata.obs) == columns


def test_what_was_made_pair_by_pair_has_no_basis_to_average(blobs: ad.AnnData) -> None:
    scgce.tl.marker_tests(blobs, "group", use_rep="X_pca", sparsity=2, judges=False)
    with pytest.raises(ValueError, match="pair by pair"):
        scgce.tl.lineages(blobs, PARENT, key="marker_tests")
