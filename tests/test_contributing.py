"""The examples of the contributing page do what they say, in the modules that they stand beside."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scanpy as sc
import torch

import scgce
from scgce.programs import forms

PAGE = Path(__file__).resolve().parents[1] / "docs" / "contributing.md"


def example(name: str, beside: str, **more: Any) -> Any:
    """The function of an example, with the names that a module has."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [found.partition("\n# in _FORMS")[0] for found in blocks if f"def {name}(" in found]
    names = {**vars(import_module(beside)), **more}
    exec(block, names)
    return names[name]


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    adata = scgce.datasets.simulated_cells(150, 30, 3, rng=0)
    sc.pp.pca(adata, n_comps=5)
    return adata


def test_an_encoder_is_explained_and_stored(adata: ad.AnnData) -> None:
    A = np.random.default_rng(0).normal(size=(30, 3)) / 10
    encoder = example("squashed", "scgce.encoders._linear", torch=torch)(adata.var_names, A, np.zeros(3))
    tail = encoder.tail[1]
    expected = np.tanh(adata.X @ A) @ tail.weight.detach().numpy().T + tail.bias.detach().numpy()
    np.testing.assert_allclose(encoder(adata.X), expected, atol=1e-5)
    again = scgce.encoders.encoder_from_uns(scgce.encoders.encoder_to_uns(encoder))
    np.testing.assert_array_equal(again(adata.X), encoder(adata.X))


def test_a_baseline_moves_as_many_genes_as_asked_for(adata: ad.AnnData) -> None:
    tool = example("far_apart", "scgce.tl._dbm")
    tool(adata, "group", use_rep="X_pca", sparsity=(2, 4), judges=False)
    for k in (2, 4):
        frame = scgce.get.pairs(adata, sparsity=k, key="far_apart")
        assert frame["gene"].nunique() == k
        np.testing.assert_allclose(frame["delta"], frame["mean_difference"], rtol=1e-4)
    assert tool.__doc__.startswith("Explain groups by the difference of their means")


def test_a_judge_tells_the_groups_apart(adata: ad.AnnData) -> None:
    codes = adata.obs["group"].cat.codes.to_numpy(np.int64)
    judge = example("_fit_centroid", "scgce.core.score.judges")(adata.X, codes)
    told = judge.decide(torch.as_tensor(judge.hidden(adata.X))).numpy()
    centres = np.stack([np.asarray(adata.X[codes == group].mean(0)).ravel() for group in range(3)])
    nearest = ((adata.X.toarray()[:, None] - centres) ** 2).sum(2).argmin(1)
    assert (told == nearest).mean() > 0.99


def test_a_form_of_gene_sets_is_read(adata: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    read = example("_pairs", "scgce.programs.forms")
    monkeypatch.setattr(forms, "_FORMS", ((lambda source: isinstance(source, set), read, "pairs"), *forms._FORMS))
    given = {(("a", "b")[place % 2], gene) for place, gene in enumerate(adata.var_names[:12])}
    scgce.tl.programs(adata, source=given, rest=False)
    assert scgce.get.programs(adata)["n_genes"].tolist() == [6, 6]


def test_a_plot_is_drawn(adata: ad.AnnData) -> None:
    scgce.tl.dbm(adata, "group", use_rep="X_pca", sparsity=3, judges=False, key_added="tgt")
    ax = example("amounts", "scgce.pl._dose", pairs=scgce.get.pairs)(adata, show=False)
    assert sum(bar.get_height() for bar in ax.patches) == len(scgce.get.pairs(adata))
    plt.close("all")
