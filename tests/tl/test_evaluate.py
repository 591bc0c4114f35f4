"""`tl.evaluate`: the same explanation on the same cells, on others, and on part of the groups."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from tests.tl._by_hand import assert_scored, delta, dense, scored

import scgce

QUICK = {"use_rep": "X_pca", "sparsity": (2, 5)}
SCORES = ["correctness", "coverage", "percent_explained", "judge_logreg", "judge_knn"]


@pytest.fixture(scope="module")
def explained(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.tgt(adata, "group", **QUICK, method="truncate")
    scgce.tl.lasso(adata, "group", **QUICK)
    return adata


def draw(seed: int, n_cells: int = 200) -> ad.AnnData:
    """Other cells of the groups of ``blobs``."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n_cells) % 4
    rate = np.full((4, 60), 0.15)
    for group in range(4):
        rate[group, 5 * group : 5 * group + 5] = 4.0
    X = np.log1p(rng.poisson(rate[codes])).astype(np.float32)
    names = np.array(["B/1", "T cell", "NK", "3"])[codes]
    found = ad.AnnData(X, obs={"kind": names, "obs_names": [f"new{i}" for i in range(n_cells)]})
    found.var_names = [f"gene{g}" for g in range(60)]
    return found


@pytest.fixture(scope="module")
def others() -> ad.AnnData:
    return draw(5)


@pytest.mark.parametrize("key", ["tgt", "lasso"])
def test_on_its_own_cells_it_says_what_was_stored(explained: ad.AnnData, key: str) -> None:
    again = scgce.tl.evaluate(explained, key, copy=True)
    for k in (2, 5):
        before = scgce.get.metrics(explained, key=key, sparsity=k)
        after = scgce.get.metrics(again, key=f"{key}_evaluated", sparsity=k)
        np.testing.assert_allclose(after[SCORES].astype(float), before[SCORES].astype(float))
        assert scgce.get.pairs(again, key=f"{key}_evaluated", sparsity=k).equals(
            scgce.get.pairs(explained, key=key, sparsity=k)
        )
    assert f"{key}_evaluated" not in explained.uns


def test_as_many_other_cells_do_not_get_the_split(explained: ad.AnnData) -> None:
    others = draw(6, explained.n_obs)
    others.obs["group"] = others.obs["kind"]
    options = {"reference": explained, "judges": False, "copy": True}
    by_name = scgce.tl.evaluate(others, "tgt", groupby="kind", **options)
    as_stored = scgce.tl.evaluate(others, "tgt", **options)
    np.testing.assert_array_equal(
        as_stored.uns["tgt_evaluated"]["correctness"], by_name.uns["tgt_evaluated"]["correctness"]
    )
    assert len(np.unique(as_stored.uns["tgt_evaluated"]["split"])) == 1


def test_other_cells_are_all_scored(explained: ad.AnnData, others: ad.AnnData) -> None:
    scgce.tl.evaluate(others, "tgt", reference=explained, groupby="kind", judges=False, key_added="there")
    labels, pcs = others.obs["kind"].to_numpy(), explained.varm["PCs"]
    X, moved = np.asarray(others.X, dtype=float), delta(explained, "NK", "3", "tgt", 5)
    epsilon = explained.uns["tgt"]["epsilon"]
    distances = np.linalg.norm(((X[labels == "NK"] + moved) @ pcs)[:, None] - (X[labels == "3"] @ pcs)[None], axis=2)
    frame = scgce.get.metrics(others, key="there", sparsity=5).set_index(["source", "target"]).loc[("NK", "3")]
    assert frame["correctness"] == pytest.approx((distances.min(axis=1) <= epsilon).mean(), abs=0.021)
    assert frame["coverage"] == pytest.approx((distances.min(axis=0) <= epsilon).mean(), abs=0.021)


def test_genes_in_another_order_make_no_difference(explained: ad.AnnData, others: ad.AnnData) -> None:
    arguments = {"reference": explained, "groupby": "kind", "judges": False, "key_added": "there", "copy": True}
    straight = scgce.tl.evaluate(others, "tgt", **arguments)
    turned = scgce.tl.evaluate(others[:, ::-1].copy(), "tgt", **arguments)
    for name in ("correctness", "coverage"):
        np.testing.assert_allclose(turned.uns["there"][name], straight.uns["there"][name], atol=0.021)


def test_groups_without_cells_are_left_out_and_the_order_is_that_of_the_explanation(
    explained: ad.AnnData, others: ad.AnnData
) -> None:
    some = others[others.obs["kind"] != "T cell"].copy()
    for key in ("tgt", "lasso"):
        scgce.tl.evaluate(some, key, reference=explained, groupby="kind", judges=False, key_added=key)
        assert list(some.uns[key]["groups"]) == [g for g in explained.uns[key]["groups"] if g != "T cell"]
        np.testing.assert_allclose(delta(some, "NK", "3", key, 5), delta(explained, "NK", "3", key, 5), rtol=1e-6)


def test_a_wider_epsilon_and_clipping_are_used(explained: ad.AnnData) -> None:
    wide = scgce.tl.evaluate(explained, "tgt", epsilon=1e3, judges=False, copy=True)
    assert (wide.uns["tgt_evaluated"]["correctness"] == 1).all()
    clipped = scgce.tl.evaluate(explained, "tgt", clip=True, judges=False, copy=True)
    assert clipped.uns["tgt_evaluated"]["params"]["clip"] == "zero"
    part, pcs = clipped.uns["tgt"]["split"] == 2, explained.varm["PCs"]
    X, labels = dense(explained), explained.obs["group"].astype(str).to_numpy()
    moved = np.maximum(X[part & (labels == "NK")] + delta(explained, "NK", "3", "tgt"), 0) @ pcs
    near = np.linalg.norm(moved[:, None] - (X[part & (labels == "3")] @ pcs)[None], axis=2)
    frame = scgce.get.metrics(clipped, key="tgt_evaluated").set_index(["source", "target"]).loc[("NK", "3")]
    assert frame["correctness"] == pytest.approx((near.min(1) <= explained.uns["tgt"]["epsilon"]).mean(), abs=0.06)
    assert_scored(scgce.get.metrics(explained), scored(explained, "tgt"))


def test_a_judge_of_ones_own_is_asked(explained: ad.AnnData) -> None:
    class Always:
        def predict(self, X: np.ndarray) -> np.ndarray:
            return np.full(len(X), "NK")

    asked = scgce.tl.evaluate(explained, "tgt", judges={"always": Always()}, copy=True).uns["tgt_evaluated"]
    column = list(asked["groups"]).index("NK")
    assert (asked["judge_always"][:, column] == 1).all()
    assert np.delete(asked["judge_always"], column, axis=1).sum() == 0


def test_errors_name_what_is_missing(explained: ad.AnnData, others: ad.AnnData) -> None:
    with pytest.raises(KeyError, match="nothing"):
        scgce.tl.evaluate(explained, "nothing")
    with pytest.raises(KeyError, match="kind_of"):
        scgce.tl.evaluate(others, "tgt", reference=explained, groupby="kind_of")
    used = scgce.get.explanation(explained, "NK", "3")["gene"][0]
    with pytest.raises((KeyError, ValueError), match=used):
        scgce.tl.evaluate(others[:, others.var_names != used].copy(), "tgt", reference=explained, groupby="kind")
    one = others[others.obs["kind"] == "NK"].copy()
    with pytest.raises(ValueError, match="at least two"):
        scgce.tl.evaluate(one, "tgt", reference=explained, groupby="kind")
    assert "tgt_evaluated" not in others.uns
