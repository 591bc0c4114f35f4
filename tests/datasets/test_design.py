"""Donors and a condition of simulated cells: what is planted is there, and nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scgce.datasets import simulated_cells

PLAIN: dict[str, Any] = {"dispersion": 0.0, "dropout": 0.0, "library_sigma": 0.0, "library_size": 1500.0}


def test_the_response_is_in_the_planted_genes_and_groups_only() -> None:
    adata = simulated_cells(
        3000, 160, 3, condition=True, n_specific_programs=3, program_genes=8, n_planted=12, n_copies=0, rng=2, **PLAIN
    )
    truth, counts = adata.uns["truth"], adata.layers["counts"].toarray()
    assert list(truth["program_names"]) == ["shared 1", "specific 1", "specific 2", "specific 3"]
    assert (truth["program_genes"].sum(axis=1) == 8).all()
    assert truth["program_genes"].sum(axis=0).max() == 1
    np.testing.assert_array_equal(truth["program_groups"], np.vstack([np.ones(3), np.eye(3)]).astype(bool))
    stim, group = (adata.obs["condition"] == "stim").to_numpy(), adata.obs["group"].cat.codes.to_numpy()
    for code in range(3):
        ratio = np.log(counts[stim & (group == code)].mean(0) / counts[~stim & (group == code)].mean(0))
        expected = truth["program_log_fold"] @ (truth["program_genes"] * truth["program_groups"][:, [code]])
        well = counts[group == code].mean(0) > 4
        assert well[truth["program_genes"].any(0)].sum() > 6
        np.testing.assert_allclose(ratio[well], expected[well], atol=0.15)


def test_donors_have_their_effect_and_unequal_numbers() -> None:
    adata = simulated_cells(
        3000, 60, 2, n_donors=6, condition=True, n_shared_programs=0, n_specific_programs=0, donor_effect=0.5,
        cells_sigma=0.8, n_planted=0, rng=1, **PLAIN,
    )  # fmt: skip
    table = pd.crosstab(adata.obs["donor"], adata.obs["group"])
    assert table.shape == (6, 2) and table.to_numpy().max() > 3 * table.to_numpy().min() > 0
    assert len(adata.uns["truth"]["program_names"]) == 0
    counts = pd.DataFrame(adata.layers["counts"].toarray())
    means = counts.groupby([adata.obs["donor"].to_numpy(), adata.obs["condition"].to_numpy()]).mean()
    log = np.log(means.loc[:, counts.mean() > 8])
    assert log.std().mean() == pytest.approx(0.5, rel=0.2)
    within = (log.xs("stim", level=1) - log.xs("ctrl", level=1)).std().mean()
    assert within == pytest.approx(0.5, rel=0.25), "half of the variance is the sample's, twice"


def test_unpaired_donors_have_one_state_each(tmp_path: Path) -> None:
    adata = simulated_cells(400, 100, 2, n_donors=5, condition=True, paired=False, program_genes=5)
    states = adata.obs.groupby("donor", observed=True)["condition"].unique()
    assert [list(found) for found in states] == [["ctrl"], ["stim"], ["ctrl"], ["stim"], ["ctrl"]]
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(again.uns["truth"]["program_genes"], adata.uns["truth"]["program_genes"])


def test_calls_without_them_give_the_bytes_they_gave() -> None:
    adata = simulated_cells(300, 100, 3, rng=4)
    counts = adata.layers["counts"]
    whole = (part.astype("<i8").tobytes() for part in (counts.data, counts.indices, counts.indptr))
    assert hashlib.md5(b"".join(whole)).hexdigest() == "61c9517f3dd8ba283f2ab46dff3a5729"
    assert not {"donor", "condition"} & set(adata.obs)
    assert set(adata.uns["truth"]) == {"groups", "log_fold", "means"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"n_donors": -1}, "n_donors=-1"),
        ({"n_donors": 2, "donor_effect": -0.1}, "donor_effect=-0.1"),
        ({"condition": True, "n_shared_programs": 1.5}, "n_shared_programs=1.5"),
        ({"condition": True, "program_genes": 0}, "program_genes=0"),
        ({"condition": True, "program_genes": 40}, "program_genes=40 for 2 programmes"),
        ({"condition": True, "condition_log_fold": 0}, "condition_log_fold=0"),
        ({"condition": True, "paired": False}, "paired=False with n_donors=0"),
        ({"n_donors": 4, "paired": False}, "paired=False with n_donors=4 and condition=False"),
        ({"n_donors": 2, "cells_sigma": float("nan")}, "cells_sigma=nan"),
    ],
)
def test_errors_name_the_argument(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        simulated_cells(50, 80, 2, **wrong)
