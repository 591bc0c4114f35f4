"""Encoders that can read every real cell and break on translated ones are found before the fit."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import numpy as np
import pytest
import torch
from torch import nn

import scgce
from scgce.explain import fit as fitting


class Apply(nn.Module):
    """A function as a layer, which no table knows."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def model(function: Callable[[torch.Tensor], torch.Tensor], *before: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(*before, Apply(function), nn.Linear(60, 2))


BREAKS: dict[str, nn.Module] = {
    "logarithm": model(torch.log1p),
    "root": model(torch.sqrt),
    "after a scaling": nn.Sequential(Apply(lambda x: x / 2), model(torch.log1p)),
}


@pytest.fixture
def counts(blobs: ad.AnnData) -> ad.AnnData:
    blobs.X = blobs.X.expm1().rint().astype(np.float32)
    return blobs


@pytest.mark.parametrize("kind", BREAKS)
@pytest.mark.parametrize("options", [{}, {"clip": None}, {"amplitude": None, "clip": None}], ids=str)
def test_it_is_named_before_the_fit(
    counts: ad.AnnData, kind: str, options: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fit_path", lambda *_, **__: pytest.fail("the fit has begun"))
    before = set(counts.uns)
    said = r"encoder: Sequential returns NaN .* cells and means moved .*log1p\(counts\).*nonnegative=True"
    with pytest.raises(ValueError, match=said):
        scgce.tl.tgt(counts, "group", encoder=BREAKS[kind], sparsity=[2], judges=False, **options)
    assert set(counts.uns) == before


def test_the_ways_out_that_it_names_are_some(counts: ad.AnnData) -> None:
    how = {"sparsity": [2], "judges": False, "method": "truncate"}
    scgce.tl.tgt(counts, "group", encoder=BREAKS["logarithm"], nonnegative=True, **how)
    scgce.tl.tgt(counts, "group", encoder=model(torch.log1p, Apply(lambda x: x.clamp(min=0))), **how)
    counts.layers["counts"] = counts.X.copy()
    scgce.tl.tgt(counts, "group", encoder=nn.Linear(60, 2), layer="log1p(counts)", **how)
    for matrix in ("correctness", "coverage"):
        assert np.isfinite(counts.uns["tgt"][matrix]).all()


def test_it_is_named_where_only_scores_are_asked_for(counts: ad.AnnData) -> None:
    with pytest.raises(ValueError, match="encoder: Sequential returned NaN or infinite values for .* translated cells"):
        scgce.tl.dbm(counts, "group", encoder=BREAKS["logarithm"], clip=None, sparsity=[20], judges=False)
    scgce.tl.dbm(counts, "group", encoder=BREAKS["logarithm"], sparsity=[20], judges=False)
    with pytest.raises(ValueError, match="encoder: Sequential returned NaN or infinite values for .* translated cells"):
        scgce.tl.evaluate(counts, "dbm", encoder=BREAKS["logarithm"], clip=False, judges=False)


def test_a_cell_that_it_cannot_read_is_found_among_all(counts: ad.AnnData) -> None:
    """Not among those that the module is tried on when it is wrapped."""
    counts.X = counts.X.toarray()
    counts.X[::29, 3] = -2.0
    with pytest.raises(ValueError, match="encoder: Sequential returned NaN or infinite values for .* cells"):
        scgce.tl.dbm(counts, "group", encoder=BREAKS["logarithm"], sparsity=[2], judges=False)
