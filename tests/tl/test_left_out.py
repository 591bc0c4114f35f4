"""Each donor left out in turn: what is scored on it was made without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import torch
from scipy.spatial import cKDTree

import scgce
from scgce._api.warn import QualityWarning

COLUMNS = ["group", "condition"]
HOW: dict[str, Any] = {
    "pairs": "within:group", "reference": "ctrl", "judges": False, "validation_fraction": 0, "clip": None,
}  # fmt: skip
GENES: dict[str, Any] = {**HOW, "sparsity": 6, "method": "truncate"}
DONORS: dict[str, Any] = {"by": "donor", "split_by": "donor", "leave_one_out": True}


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    found = scgce.datasets.simulated_cells(
        420, 60, 2, n_donors=3, condition=True, n_copies=0, program_genes=6, donor_effect=0.1
    )
    sc.pp.pca(found, n_comps=8, random_state=0)
    return found


def encoder(adata: ad.AnnData) -> torch.nn.Linear:
    """A fixed linear map, the same for all donors and for some."""
    r = torch.nn.Linear(adata.n_vars, 8, bias=False)
    r.weight.data = torch.tensor(np.ascontiguousarray(adata.varm["PCs"].T), dtype=torch.float32)
    return r


def how(adata: ad.AnnData, kind: str) -> dict[str, Any]:
    """Options of a call in genes, or in programmes that are given, given in part, or learned."""
    if kind == "genes":
        return GENES
    sets = {f"set {i}": list(adata.var_names[row]) for i, row in enumerate(adata.uns["truth"]["program_genes"])}
    if kind == "given":
        scgce.tl.programs(adata, source=sets, rest=False, key_added="given")
    source = {"given": "given", "given and rest": sets, "learned": "profile"}[kind]
    return {**HOW, "programs": source, "sparsity": 2}


@pytest.mark.parametrize("kind", ["genes", "given", "given and rest", "learned"])
def test_it_is_the_explanation_of_the_others_scored_on_the_donor(adata: ad.AnnData, kind: str) -> None:
    r, some = encoder(adata), adata.copy()
    options = {**how(some, kind), "encoder": r}
    scgce.tl.tgt(some, COLUMNS, **options)
    scgce.tl.evidence(some, **DONORS)
    found, epsilon = some.uns["tgt"]["donor_evidence"], float(some.uns["tgt"]["epsilon"])
    groups = list(some.uns["tgt"]["groups"])
    labels = (some.obs["group"].astype(str) + " | " + some.obs["condition"].astype(str)).to_numpy()
    embedded = some.X @ some.varm["PCs"]
    # Each donor is left out in the same way, whatever is explained.
    for number, donor in enumerate(found["donors"][: None if kind == "genes" else 1]):
        own = (some.obs["donor"] == donor).to_numpy()
        others = some[~own].copy()
        scgce.tl.tgt(others, COLUMNS, epsilon=epsilon, **options)
        for group in "01":
            source, target = f"{group} | ctrl", f"{group} | stim"
            frame = scgce.get.explanation(others, source, target, by="gene").set_index("gene")
            moved = frame["delta"].reindex(some.var_names).fillna(0).to_numpy() @ some.varm["PCs"]
            reach, _ = cKDTree(embedded[labels == target]).query(embedded[own & (labels == source)] + moved)
            expected = (reach <= epsilon).mean()
            score = found["left_out_correctness"][number, groups.index(source), groups.index(target)]
            assert score == pytest.approx(expected, abs=0.02)  # float32 beside float64: a cell on the edge
    frame = scgce.get.contrasts(some).set_index("source")
    mean = found["left_out_correctness"][:, groups.index("0 | ctrl"), groups.index("0 | stim")].mean()
    assert (frame.loc["0 | ctrl", "left_out_correctness"] == mean).all()
    assert np.isnan(found["left_out_correctness"][:, groups.index("0 | ctrl"), groups.index("1 | ctrl")]).all()


def test_a_file_keeps_it_and_one_without_it_reads(adata: ad.AnnData, tmp_path: Path) -> None:
    scgce.tl.tgt(adata, COLUMNS, use_rep="X_pca", **GENES)
    scgce.tl.evidence(adata, **{**DONORS, "leave_one_out": False})
    assert "left_out_correctness" not in adata.uns["tgt"]["donor_evidence"]
    assert scgce.get.contrasts(adata)["left_out_correctness"].isna().all()
    scgce.tl.evidence(adata, **DONORS)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(scgce.get.contrasts(again), scgce.get.contrasts(adata))
    scgce.tl.evidence(again[::-1].copy(), **DONORS)
    scores = [one.uns["tgt"]["donor_evidence"]["left_out_correctness"] for one in (again, adata)]
    np.testing.assert_array_equal(*scores)


def test_a_donor_that_a_group_cannot_do_without_is_named(adata: ad.AnnData) -> None:
    some = adata[~((adata.obs["group"] == "0") & (adata.obs["condition"] == "stim") & (adata.obs["donor"] != "D2"))]
    some = some.copy()
    scgce.tl.tgt(some, COLUMNS, use_rep="X_pca", **GENES)
    with pytest.warns(QualityWarning, match="D2 cannot be left out"):
        scgce.tl.evidence(some, **DONORS)
    scores, donors = (some.uns["tgt"]["donor_evidence"][name] for name in ("left_out_correctness", "donors"))
    there = ~np.isnan(scores).all(axis=(1, 2))
    assert list(donors[there]) == ["D1", "D3"]


def test_what_cannot_be_repeated_is_refused(adata: ad.AnnData) -> None:
    some = adata.copy()
    scgce.tl.dbm(some, COLUMNS, use_rep="X_pca", sparsity=3, judges=False)
    with pytest.raises(ValueError, match="key='dbm'.*'dbm'.*cannot be repeated"):
        scgce.tl.evidence(some, "dbm", **DONORS)
    with pytest.raises(ValueError, match="leave_one_out=True with by='pair'"):
        scgce.tl.evidence(some, "dbm", leave_one_out=True)
    assert "donor_evidence" not in some.uns["dbm"]
