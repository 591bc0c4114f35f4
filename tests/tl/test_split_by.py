"""`split_by`: whole donors fit, select and are reported."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from hypothesis import given
from hypothesis import strategies as st

import scgce
from scgce.explain.split import FIT, REPORT, VALIDATE, split_donors

QUICK = {"use_rep": "X_pca", "sparsity": [5], "method": "truncate", "judges": False}


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    found = scgce.datasets.simulated_cells(240, 60, 3, rng=1)
    sc.pp.pca(found, n_comps=8)
    found.obs["donor"] = [f"d{cell % 6}" for cell in range(240)]
    scgce.tl.tgt(found, "group", split_by="donor", key_added="by_donor", **QUICK)
    return found


def parts_of(adata: ad.AnnData, key: str) -> dict[str, set[int]]:
    split = adata.uns[key]["split"]
    return {donor: set(split[adata.obs["donor"] == donor]) for donor in np.unique(adata.obs["donor"])}


def test_every_donor_is_in_one_part_and_every_part_has_donors(adata: ad.AnnData) -> None:
    parts = parts_of(adata, "by_donor")
    assert all(len(found) == 1 for found in parts.values())
    stored = dict(zip(adata.uns["by_donor"]["donors"], adata.uns["by_donor"]["donor_part"], strict=True))
    assert {donor: {part} for donor, part in stored.items()} == parts
    assert sorted(stored.values()).count(VALIDATE) == sorted(stored.values()).count(REPORT) == 2
    assert adata.uns["by_donor"]["params"]["split_by"] == "donor"


def test_the_seed_draws_the_donors_and_the_order_of_the_rows_does_not(adata: ad.AnnData) -> None:
    parts = set()
    for seed in range(4):
        scgce.tl.dbm(adata, "group", split_by="donor", use_rep="X_pca", sparsity=5, judges=False, rng=seed)
        parts.add(tuple(adata.uns["dbm"]["donor_part"]))
    assert len(parts) > 1
    turned = adata[::-1].copy()
    scgce.tl.tgt(turned, "group", split_by="donor", key_added="by_donor", **QUICK)
    assert parts_of(turned, "by_donor") == parts_of(adata, "by_donor")
    np.testing.assert_allclose(turned.uns["by_donor"]["correctness"], adata.uns["by_donor"]["correctness"], atol=1e-6)


def test_cells_of_no_donor_are_never_scored(adata: ad.AnnData) -> None:
    """They may be of a donor that fitted."""
    partly = adata.copy()
    partly.obs.loc[partly.obs_names[::5], "donor"] = None
    scgce.tl.tgt(partly, "group", split_by="donor", **QUICK)
    more = scgce.datasets.simulated_cells(60, 60, 3, rng=2)
    more.obs_names = [f"new{cell}" for cell in range(60)]
    more.obs["donor"] = np.where(np.arange(60) % 2, "unseen", None)
    both = ad.concat([partly, more])
    scgce.tl.evaluate(both, reference=partly, groupby="group", judges=False, max_cells=None)
    split = both.uns["tgt_evaluated"]["split"]
    assert (split[both.obs["donor"].isna()] == -1).all()
    assert (split == REPORT).sum() == (partly.uns["tgt"]["split"] == REPORT).sum() + 30


def test_new_cells_of_a_donor_that_fitted_are_not_scored(adata: ad.AnnData) -> None:
    stored = dict(zip(adata.uns["by_donor"]["donors"], adata.uns["by_donor"]["donor_part"], strict=True))
    other = scgce.datasets.simulated_cells(240, 60, 3, rng=1)
    other.X = other.X * 1.01
    other.obs_names = [f"new{cell}" for cell in range(240)]
    other.obs["donor"] = [["d0", "d1", "d2", "d3", "d4", "d5", "unseen"][cell % 7] for cell in range(240)]
    scgce.tl.evaluate(other, "by_donor", reference=adata, judges=False)
    split = other.uns["by_donor_evaluated"]["split"]
    for donor in np.unique(other.obs["donor"]):
        assert set(split[other.obs["donor"] == donor]) == {stored.get(donor, REPORT)}


def test_cells_without_a_donor_take_no_part(adata: ad.AnnData) -> None:
    some = adata.copy()
    some.obs["donor"] = some.obs["donor"].where(np.arange(240) % 10 > 0)
    scgce.tl.tgt(some, "group", split_by="donor", **QUICK)
    assert (some.uns["tgt"]["split"][::10] == -1).all()
    assert some.uns["tgt"]["sizes"].sum() == 216


def test_what_is_lacking_is_said_group_by_group(adata: ad.AnnData) -> None:
    few = adata.copy()
    donor = few.obs["donor"].to_numpy().copy()
    donor[(few.obs["group"] == "1").to_numpy()] = "d0"
    few.obs["donor"] = donor
    with pytest.raises(ValueError, match=r"'1' has cells .*0 to .*cells by donor: d0: \d+\).*groups=\[…\]") as caught:
        scgce.tl.tgt(few, "group", split_by="donor", **QUICK)
    assert "'0' has" not in str(caught.value)
    with pytest.raises(ValueError, match="min_cells=60"):
        scgce.tl.tgt(few, "group", split_by="donor", groups=["0", "2"], min_cells=60, **QUICK)
    few.obs["two"] = np.where(np.arange(240) % 2, "a", "b")
    with pytest.raises(ValueError, match="2 donors"):
        scgce.tl.tgt(few, "group", split_by="two", **QUICK)
    with pytest.raises(KeyError, match="split_by='donors'"):
        scgce.tl.tgt(few, "group", split_by="donors", **QUICK)
    with pytest.raises(ValueError, match="needs a validation_fraction"):
        scgce.tl.tgt(few, "group", split_by="donor", validation_fraction=0, **QUICK)
    assert "tgt" not in few.uns


@given(st.integers(3, 14), st.integers(1, 4), st.integers(0, 99))
def test_a_division_is_found_whenever_there_is_one(n_donors: int, n_groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.poisson(2.0, (n_donors, n_groups))
    for part in range(3):  # these three donors have enough of everything
        table[part] += 2
    arguments = ([f"g{g}" for g in range(n_groups)], [f"d{d}" for d in range(n_donors)], 0.25)
    found = split_donors(table, *arguments, min_cells=2, split_by="donor", rng=seed)
    for part in (FIT, VALIDATE, REPORT):
        assert (table[found == part].sum(0) >= 2).all()
