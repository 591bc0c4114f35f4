"""Group Integrated Gradients against the integral written out, and what sampling leaves open."""

from __future__ import annotations

import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import torch
from tests.tl._by_hand import dense
from torch import nn

import scgce
from scgce.tl import _integrated_gradients as module

pytest.importorskip("captum")
KEY = "integrated_gradients"


@pytest.fixture(scope="module")
def network() -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    layers = nn.Sequential(nn.Linear(60, 8), nn.ELU(), nn.Linear(8, 2))
    for parameter in layers.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / 4
    return layers


@pytest.fixture(scope="module")
def adata(_blobs: ad.AnnData, network: nn.Module) -> ad.AnnData:
    found = _blobs.copy()
    scgce.tl.integrated_gradients(found, "group", encoder=network, n_pairs=40, n_steps=24)
    return found


def by_hand(adata: ad.AnnData, network: nn.Module, i: int, j: int, n_pairs: int) -> np.ndarray:
    """Eq. 11 in the space of the genes: midpoint rule, a fine grid, the same pairs of cells."""
    X = torch.from_numpy(dense(adata)).float()
    prepared = module.prepare(
        adata, "group", use_rep=None, encoder=network, layer=None, validation_fraction=0.25, rng=0
    )
    model, _ = module._classifier(prepared)
    parts = members_in_order(adata, prepared)
    draw = np.random.default_rng([0, i, j])
    starts, ends = X[draw.choice(parts[i], n_pairs)], X[draw.choice(parts[j], n_pairs)]
    total = torch.zeros_like(ends)
    steps = 100
    for step in range(steps):
        point = (starts + (step + 0.5) / steps * (ends - starts)).requires_grad_(True)
        scores = network(point) @ model.weights + model.offset
        total += torch.autograd.grad(torch.softmax(scores, 1)[:, j].sum(), point)[0] / steps
    return ((ends - starts) * total).mean(0).numpy()


def members_in_order(adata: ad.AnnData, prepared: module.Prepared) -> list[np.ndarray]:
    rows = prepared.rows(2)
    return [rows[prepared.groups.codes[rows] == g] for g in range(prepared.groups.n)]


@pytest.mark.parametrize("pair", [(0, 1), (3, 2)])
def test_equals_the_integral_over_genes(adata: ad.AnnData, network: nn.Module, pair: tuple[int, int]) -> None:
    names = list(adata.uns[KEY]["groups"])
    frame = scgce.get.attributions(adata, names[pair[0]], names[pair[1]]).set_index("gene")
    expected = by_hand(adata, network, *pair, 40)
    got = frame["attribution"].reindex(adata.var_names).fillna(0).to_numpy()
    np.testing.assert_allclose(got, expected, atol=2e-4 * np.abs(expected).max() + 1e-6)


def test_attributions_add_up_to_the_change_of_the_probability(adata: ad.AnnData) -> None:
    assert adata.uns[KEY]["completeness_error"].max() < 1e-3
    coarse = scgce.tl.integrated_gradients(adata, "group", encoder=_steep(), n_pairs=20, n_steps=2, copy=True)
    assert coarse.uns[KEY]["completeness_error"].max() > 1e-3


def _steep() -> nn.Module:
    layers = nn.Sequential(nn.Linear(60, 2), nn.Tanh())
    generator = torch.Generator().manual_seed(1)
    layers[0].weight.data = 3 * torch.randn(2, 60, generator=generator)
    return layers


def test_standard_error_is_that_of_a_mean_over_pairs_of_cells(blobs: ad.AnnData) -> None:
    pca = {"use_rep": "X_pca", "n_steps": 4, "groups": ["NK", "3"]}
    many = [
        scgce.tl.integrated_gradients(blobs, "group", **pca, n_pairs=40, rng=0, copy=True),
        scgce.tl.integrated_gradients(blobs, "group", **pca, n_pairs=640, rng=0, copy=True),
    ]
    small, large = (entry.uns[KEY] for entry in many)
    used = small["standard_error"] > 1e-6
    ratio = small["standard_error"][used] / large["standard_error"][used]
    assert np.median(ratio) == pytest.approx(4.0, rel=0.15)
    apart = np.abs(small["attributions"] - large["attributions"])[used] / small["standard_error"][used]
    assert 0.5 < (apart < 1).mean() < 0.85  # 0.68 were they normal


def test_markers_of_the_two_groups_come_first(blobs: ad.AnnData) -> None:
    found = scgce.tl.integrated_gradients(blobs, "group", use_rep="X_pca", n_pairs=50, copy=True)
    assert found.uns[KEY]["accuracy"] > 0.95
    names = list(found.uns[KEY]["groups"])
    frame = scgce.get.attributions(found, names[1], names[2])
    first = {int(gene.removeprefix("gene")) // 5 for gene in frame["gene"][:5]}
    assert first <= {1, 2}
    assert (frame["attribution"].abs().diff().dropna() <= 0).all()


def test_says_that_it_is_not_a_translation(adata: ad.AnnData, tmp_path: Path) -> None:
    assert adata.uns[KEY]["params"]["type"] == "attributions"
    with pytest.raises(ValueError, match="not a complete scgce explanation"):
        scgce.get.explanation(adata, "NK", "3", key=KEY)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    assert scgce.get.attributions(again, "NK", "3").equals(scgce.get.attributions(adata, "NK", "3"))


def test_two_groups_and_an_encoder_without_a_first_linear_map(blobs: ad.AnnData) -> None:
    class Curved(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([x[:, :5].square().sum(1), x[:, 10:15].sum(1)], dim=1)

    found = scgce.tl.integrated_gradients(
        blobs, "group", encoder=Curved(), groups=["B/1", "NK"], n_pairs=20, n_steps=64, copy=True
    )
    genes = scgce.get.attributions(found, "B/1", "NK")["gene"]
    assert set(genes) <= {f"gene{g}" for g in (*range(5), *range(10, 15))}
    assert found.uns[KEY]["completeness_error"].max() < 5e-3


def test_errors(blobs: ad.AnnData, adata: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({"n_pairs": 1}, {"n_steps": 2.5}, {"n_pairs": True}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            scgce.tl.integrated_gradients(blobs, "group", use_rep="X_pca", **wrong)
    with pytest.raises(ValueError, match="source='nk' not in the groups of 'group'"):
        scgce.get.attributions(adata, "nk", "3")
    with pytest.raises(ValueError, match="two different groups"):
        scgce.get.attributions(adata, "3", "3")
    with pytest.raises(KeyError, match=r"scgce\.tl\.integrated_gradients"):
        scgce.get.attributions(blobs, "NK", "3")
    blobs.uns["other"] = {"params": {}}
    with pytest.raises(ValueError, match="does not hold attributions"):
        scgce.get.attributions(blobs, "NK", "3", key="other")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"pip install 'scgce\[ig\]'"):
        scgce.tl.integrated_gradients(blobs, "group", use_rep="X_pca")
    assert KEY not in blobs.uns
