"""Models and judges of the user's read their genes by name; cells of one name are not taken for one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from tests.contract._api import drawn
from torch import nn

import scgce

HOW: dict[str, Any] = {"sparsity": [3], "amplitude": 5.0, "method": "path"}
SHUFFLED = np.random.default_rng(0).permutation(60)


class Unstorable(nn.Module):
    """A map whose layers cannot be written down, so that it has to be given again."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.tensor(np.random.default_rng(4).standard_normal((2, 60)), dtype=torch.float32)
        self.register_buffer("weights", weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Positions (n, 2)."""
        return torch.asinh(x) @ self.weights.T


MODULE = Unstorable()


def function(X: np.ndarray) -> np.ndarray:
    return MODULE(torch.as_tensor(X)).numpy()


@pytest.fixture(scope="module")
def explained(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.tgt(adata, "group", encoder=MODULE, judges=False, **HOW)
    return adata


def with_more(adata: ad.AnnData) -> ad.AnnData:
    """Two more genes in front."""
    more = ad.AnnData(np.ones((adata.n_obs, 2), np.float32), obs=adata.obs, var=pd.DataFrame(index=["new1", "new2"]))
    found = ad.concat([more, adata], axis=1, merge="same")
    found.obs, found.uns = adata.obs.copy(), adata.uns.copy()
    return found


@pytest.mark.parametrize("model", [MODULE, function], ids=["module", "function"])
@pytest.mark.parametrize("arranged", [lambda a: a[:, SHUFFLED].copy(), with_more], ids=["shuffled", "more"])
@pytest.mark.parametrize("reference", [False, True])
def test_a_model_given_again_reads_the_genes_that_were_explained(
    explained: ad.AnnData, model: Any, arranged: Callable[[ad.AnnData], ad.AnnData], reference: bool
) -> None:
    adata = arranged(explained)
    scgce.tl.evaluate(adata, encoder=model, judges=False, reference=explained if reference else None)
    before, after = scgce.get.metrics(explained), scgce.get.metrics(adata, key="tgt_evaluated")
    columns = ["correctness", "coverage", "percent_explained"]
    np.testing.assert_allclose(after[columns], before[columns], rtol=1e-5)
    assert adata.uns["tgt_evaluated"]["params"]["cells_left_out"] == (explained.uns["tgt"]["split"] < 2).sum()


def test_a_gene_that_the_model_reads_must_be_there(explained: ad.AnnData) -> None:
    fewer = explained[:, 1:].copy()
    with pytest.raises(KeyError, match=r"encoder \(Unstorable\) reads the 60 genes .* lacks 1 of them: gene0"):
        scgce.tl.evaluate(fewer, encoder=MODULE)


@pytest.fixture(scope="module")
def linear(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.tgt(adata, "group", use_rep="X_pca", **HOW)
    return adata


@pytest.mark.parametrize("names", [True, False])
def test_a_judge_reads_its_genes_by_name(linear: ad.AnnData, names: bool) -> None:
    cells = linear.to_df() if names else linear.to_df().to_numpy()
    judge = LogisticRegression(max_iter=300).fit(cells, linear.obs["group"].astype(str))
    said = []
    for adata in (linear.copy(), linear[:, SHUFFLED].copy(), with_more(linear)):
        scgce.tl.evaluate(adata, reference=linear, judges={"mine": judge})
        said.append(scgce.get.metrics(adata, key="tgt_evaluated").filter(like="judge_"))
    assert said[0]["judge_mine_ceiling"].min() > 0.9
    for other in said[1:]:
        pd.testing.assert_frame_equal(said[0], other)


def test_a_judge_that_reads_other_genes_is_refused(linear: ad.AnnData) -> None:
    judge = LogisticRegression().fit(linear.to_df().add_prefix("ENSG"), linear.obs["group"].astype(str))
    with pytest.raises(KeyError, match="judges: 'mine' reads 60 genes that adata lacks: ENSGgene0"):
        scgce.tl.evaluate(linear, judges={"mine": judge}, copy=True)


@pytest.mark.parametrize("name", ["logreg", "of/two", "", 3])
def test_the_name_of_a_judge_is_free_and_can_be_stored(linear: ad.AnnData, name: Any) -> None:
    judge = LogisticRegression().fit(linear.to_df(), linear.obs["group"].astype(str))
    with pytest.raises(ValueError, match="not logreg or knn"):
        scgce.tl.evaluate(linear, judges={name: judge})


def test_a_judge_that_does_not_answer_for_every_cell_is_refused(linear: ad.AnnData) -> None:
    class First:
        def predict(self, X: np.ndarray) -> list[str]:
            return ["NK"]

    with pytest.raises(ValueError, match="predict of First gave 1 labels for"):
        scgce.tl.evaluate(linear, judges={"mine": First()}, copy=True)


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_cells_of_one_name_keep_their_own_groups(linear: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    adata = linear.copy()
    adata.obs_names = [f"cell{i // 2}" for i in range(adata.n_obs)]  # neighbouring rows are of different groups
    scgce.tl.tgt(adata, "group", use_rep="X_pca", judges=False, **HOW)
    split = np.asarray(adata.uns["tgt"]["split"]).reshape(-1, 2)
    free = np.repeat((split == 2).all(axis=1), 2)  # neither of the two fitted or selected
    shuffled = adata[np.random.default_rng(1).permutation(adata.n_obs)].copy()
    scgce.tl.evaluate(shuffled, judges=False)
    entry = shuffled.uns["tgt_evaluated"]
    reported = entry["split"] == 2
    assert reported.sum() == free.sum() > 0
    names = entry["groups"][entry["cell_group"][reported]]
    assert (names == shuffled.obs["group"].astype(str)[reported]).all()
    assert "have the name of explained cells of several groups" in caplog.text


def test_a_view_of_a_file_is_refused_before_anything_is_computed(linear: ad.AnnData, tmp_path: Path) -> None:
    linear.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    with pytest.raises(ValueError, match=r"expected adata\[…\]\.to_memory"):
        scgce.tl.evaluate(backed[:100])
    with pytest.raises(ValueError, match=r"copy=True: adata is backed by a file; expected adata\.to_memory"):
        scgce.tl.evaluate(backed, copy=True)
    backed.file.close()


def test_genes_whose_names_are_numbers_are_read_by_every_reader(blobs: ad.AnnData, tmp_path: Path) -> None:
    """`adata.var` may be given an index of integers, which `adata.var_names =` would make text of."""
    blobs.var_names = [str(number) for number in range(blobs.n_vars)]
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", **{**HOW, "sparsity": [10]})
    numbered = blobs.copy()
    numbered.var.index = pd.RangeIndex(blobs.n_vars)
    for adata in (blobs, numbered):
        scgce.tl.rank_genes(adata, key_added="ranks")
        scgce.tl.evaluate(adata, key_added="scores")
        scgce.report(adata, tmp_path / "page.html")
    for field in ("names", "scores"):
        assert blobs.uns["ranks"][field].tolist() == numbered.uns["ranks"][field].tolist()
    pd.testing.assert_frame_equal(scgce.get.metrics(numbered, key="scores"), scgce.get.metrics(blobs, key="scores"))
    source, target = blobs.uns["tgt"]["groups"][:2]
    for draw in (scgce.pl.explanation, scgce.pl.markers, scgce.pl.embedding_shift):
        pair = (source, target) if draw is scgce.pl.explanation else ()
        options = {} if draw is scgce.pl.markers else {"basis": "X_pca"}
        shown = [drawn(draw(adata, *pair, return_fig=True, **options)) for adata in (blobs, numbered)]
        for one, other in zip(*shown, strict=True):
            np.testing.assert_array_equal(one, other)


def test_genes_that_share_a_name_are_named_by_every_reader(blobs: ad.AnnData, tmp_path: Path) -> None:
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", judges=False, **{**HOW, "sparsity": [10]})
    blobs.var_names = [*blobs.var_names[:-1], "gene6"]
    said = r"adata\.var_names are not unique: gene6 occur more than once; run adata\.var_names_make_unique"
    for read in (
        lambda: scgce.pl.explanation(blobs, "NK", "3", basis="X_pca", show=False),
        lambda: scgce.pl.markers(blobs, show=False),
        lambda: scgce.report(blobs, tmp_path / "page.html"),
        lambda: scgce.tl.evaluate(blobs),
        lambda: scgce.tl.rank_genes(blobs),
    ):
        with pytest.raises(ValueError, match=said):
            read()
