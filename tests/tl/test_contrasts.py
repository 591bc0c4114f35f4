"""Condition within cell type with donors as the units: what is planted is found, and what donors say is right."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from matplotlib import pyplot as plt
from scipy import stats
from tests._files import reread

import scgce
from scgce._api.warn import QualityWarning

COLUMNS = ["group", "condition"]
WITHIN: dict[str, Any] = {
    "use_rep": "X_pca", "pairs": "within:group", "reference": "ctrl", "split_by": "donor", "judges": False,
}  # fmt: skip
GENES: dict[str, Any] = {**WITHIN, "sparsity": 6, "method": "truncate"}


def cells(seed: int = 0, **options: Any) -> ad.AnnData:
    given: dict[str, Any] = {"n_donors": 8, "donor_effect": 0.1, "condition": True, "program_genes": 6}
    given |= {"n_shared_programs": 1, "n_specific_programs": 3, "n_copies": 0, "cells_sigma": 0.3}
    adata = scgce.datasets.simulated_cells(1200, 120, 3, rng=seed, **(given | options))
    sc.pp.pca(adata, n_comps=12, random_state=0)
    return adata


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    found = cells()
    scgce.tl.tgt(found, COLUMNS, **GENES)
    scgce.tl.tgt(found, COLUMNS, **WITHIN, programs="profile", sparsity=(1, 2, 3), key_added="codes")
    for key in ("tgt", "codes"):
        scgce.tl.evidence(found, key, by="donor")
    return found


def test_shifts_of_donors_are_the_differences_of_their_own_means(adata: ad.AnnData) -> None:
    stored, groups = adata.uns["tgt"]["donor_evidence"], adata.uns["tgt"]["groups"]
    table = pd.DataFrame(adata.X.toarray(), columns=adata.var_names)
    labels = adata.obs["group"].astype(str) + " | " + adata.obs["condition"].astype(str)
    means = table.groupby([adata.obs["donor"].to_numpy(), labels.to_numpy()]).mean()
    for row in range(0, len(stored["item"]), 5):
        names = [groups[stored[end][row]] for end in ("source", "target")]
        own = means[stored["item"][row]]
        expected = [own.loc[donor, names[1]] - own.loc[donor, names[0]] for donor in stored["donors"]]
        np.testing.assert_allclose(stored["each"][row], expected, atol=1e-5)
    held_out = np.array([adata.uns["tgt"]["donor_part"][place] != 0 for place in range(8)])
    np.testing.assert_array_equal(stored["held_out"], held_out)
    each, n = stored["each"][:, held_out], len(stored["item"])
    assert stored["family"] == n
    expected = stats.ttest_1samp(each, 0, axis=1).confidence_interval(1 - 0.05 / n)
    np.testing.assert_allclose([stored["low"], stored["high"]], expected, rtol=1e-6)
    np.testing.assert_array_equal(stored["n"], held_out.sum())


def test_the_planted_response_is_found_and_told_shared_from_specific(adata: ad.AnnData) -> None:
    truth = adata.uns["truth"]
    frame = scgce.get.contrasts(adata, key="codes")
    genes = scgce.get.programs(adata, "codes", by="gene").groupby("program")["gene"].agg(set)
    planted = [set(adata.var_names[row]) for row in truth["program_genes"]]
    owner = {name: max(range(4), key=lambda p: len(own & planted[p])) for name, own in genes.items()}
    agreeing = frame[frame["agree"]]
    assert len(agreeing) >= 4
    for row in agreeing.itertuples():
        program = owner[row.item]
        assert len(genes[row.item] & planted[program]) >= 3, row
        assert truth["program_groups"][program, int(row.within)], row
        assert np.sign(row.shift) == np.sign(truth["program_log_fold"][program]), row
    scopes = agreeing.groupby("item")["scope"].first()
    assert {owner[name] for name, scope in scopes.items() if scope == "shared"} <= {0}
    assert "shared" in set(scopes) and "specific" in set(scopes)


def test_what_moves_its_genes_most_comes_first(adata: ad.AnnData) -> None:
    genes = scgce.get.programs(adata, "codes", by="gene").set_index("gene")
    for key in ("tgt", "codes"):
        frame = scgce.get.contrasts(adata, key=key)
        for (source, target), part in frame.groupby(["source", "target"]):
            assert part["strength"].is_monotonic_decreasing
            if key == "tgt":
                np.testing.assert_array_equal(part["strength"], part["shift"].abs())
                continue
            moved = scgce.get.explanation(adata, source, target, by="gene", key=key).set_index("gene")["delta"]
            for row in part.itertuples():
                own = genes[genes["program"] == row.item]
                squares = moved.reindex(own.index).fillna(0) ** 2
                assert row.strength == pytest.approx(np.sqrt(np.average(squares, weights=own["share"])), rel=1e-5)
                assert row.strength >= abs(row.shift) - 1e-5


@pytest.mark.parametrize("key", ["tgt", "codes"])
def test_the_frame_is_the_explanation_from_the_reference(adata: ad.AnnData, key: str) -> None:
    frame = scgce.get.contrasts(adata, key=key)
    assert set(frame["contrast"]) == {"ctrl → stim"}
    assert list(dict.fromkeys(frame["within"])) == ["0", "1", "2"]
    metrics = scgce.get.metrics(adata, key=key).set_index(["source", "target"])
    for (source, target), part in frame.groupby(["source", "target"]):
        own = scgce.get.explanation(adata, source, target, key=key)
        name, size, real = ("gene", "delta", "mean_difference") if key == "tgt" else ("program", "size", "size")
        own = own.set_index(name).loc[part["item"]]
        np.testing.assert_allclose(part["delta"], own[size])
        np.testing.assert_allclose(part["shift"], own[real], rtol=1e-6)
        assert (part["correctness"] == metrics.loc[(source, target), "correctness"]).all()
    flipped = scgce.get.contrasts(adata, reference="stim", key=key)
    assert set(flipped["contrast"]) == {"stim → ctrl"}
    both = [one.set_index(["within", "item"]).sort_index() for one in (frame, flipped)]
    np.testing.assert_allclose(both[0]["shift"], -both[1]["shift"])
    np.testing.assert_allclose(both[0]["donor_low"], -both[1]["donor_high"])
    np.testing.assert_array_equal(both[0]["agree"], both[1]["agree"])


def test_of_all_pairs_those_that_differ_in_one_column(adata: ad.AnnData) -> None:
    some = adata.copy()
    scgce.tl.dbm(some, COLUMNS, use_rep="X_pca", sparsity=5, judges=False)
    frame = scgce.get.contrasts(some, key="dbm")
    assert set(frame["contrast"]) == {"ctrl → stim", "0 → 1", "0 → 2", "1 → 2"}
    by_level = scgce.get.contrasts(some, key="dbm", reference="ctrl")
    assert set(by_level["contrast"]) == {"ctrl → stim"}
    assert by_level["donors"].eq(0).all() and by_level["agree"].isna().all()
    with pytest.raises(ValueError, match="reference"):
        scgce.get.contrasts(some, key="dbm", reference="nowhere")


@pytest.mark.parametrize("extension", ["h5ad", "zarr"])
def test_files_keep_it(adata: ad.AnnData, tmp_path: Path, extension: str) -> None:
    again = reread(adata, extension, tmp_path)
    for key in ("tgt", "codes"):
        pd.testing.assert_frame_equal(scgce.get.contrasts(again, key=key), scgce.get.contrasts(adata, key=key))
        before = again.uns[key]["donor_evidence"]["each"].copy()
        scgce.tl.evidence(again[::-1].copy(), key, by="donor")
        np.testing.assert_allclose(again.uns[key]["donor_evidence"]["each"], before)
        if extension == "h5ad":  # the page reads the AnnData alike
            scgce.report(again, tmp_path / "page.html", key=key)


def test_donors_that_do_not_agree_are_said_so() -> None:
    adata = cells(1, n_shared_programs=0, n_specific_programs=0, donor_effect=0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QualityWarning)
        scgce.tl.tgt(adata, COLUMNS, **GENES)
        scgce.tl.evidence(adata, by="donor")
    frame = scgce.get.contrasts(adata)
    assert not frame["agree"].any()
    reasons = scgce.get.unexplained(adata)
    assert set(zip(reasons["source"], reasons["target"], strict=True)) == {
        (f"{g} | ctrl", f"{g} | stim") for g in range(3)
    }
    assert reasons["reason"].str.contains("donors agree on none").all()


def test_where_all_donors_fitted_all_that_could_be_chosen_counts(adata: ad.AnnData) -> None:
    some = adata.copy()
    scgce.tl.tgt(some, COLUMNS, **{**GENES, "split_by": None})
    with pytest.raises(ValueError, match="by='donor'.*split_by"):
        scgce.tl.evidence(some, by="donor")
    scgce.tl.evidence(some, by="donor", split_by="donor")
    stored = some.uns["tgt"]["donor_evidence"]
    assert not stored["held_out"].any()
    assert stored["family"] == 3 * some.n_vars
    learned = {**WITHIN, "split_by": None, "programs": "profile", "sparsity": 2}
    scgce.tl.tgt(some, COLUMNS, **learned)
    with pytest.warns(QualityWarning, match="all donors took part"):
        scgce.tl.evidence(some, by="donor", split_by="donor")
    assert scgce.get.contrasts(some)["agree"].isna().all()
    assert set(scgce.get.unexplained(some)["reason"]) == {"its programmes were learned from these donors"}
    sets = {f"set {i}": list(some.var_names[row]) for i, row in enumerate(some.uns["truth"]["program_genes"])}
    scgce.tl.programs(some, source=sets, rest=False, key_added="given")
    scgce.tl.tgt(some, COLUMNS, **{**learned, "programs": "given"})
    scgce.tl.evidence(some, by="donor", split_by="donor")
    assert some.uns["tgt"]["donor_evidence"]["family"] == 3 * 4
    assert scgce.get.contrasts(some)["agree"].any()


def test_other_donors_in_either_state_and_one_donor_a_state() -> None:
    adata = cells(2, paired=False, n_donors=9, donor_effect=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QualityWarning)
        scgce.tl.tgt(adata, COLUMNS, **{**GENES, "split_by": None})
    scgce.tl.evidence(adata, by="donor", split_by="donor")
    frame = scgce.get.contrasts(adata)
    assert set(frame["design"]) == {"unpaired"}
    assert frame["agree"].any() and (frame["donors"] == 9).all()
    adata.obs["two"] = np.where(adata.obs["condition"] == "ctrl", "a", "b")
    with pytest.warns(QualityWarning, match="3 of 3 contrasts have one donor a group"):
        scgce.tl.evidence(adata, by="donor", split_by="two")
    frame = scgce.get.contrasts(adata)
    assert set(frame["design"]) == {"confounded"} and not frame["agree"].any()
    assert scgce.get.unexplained(adata)["reason"].str.contains("one donor a group").all()
    adata.obs["one"] = "a"
    with pytest.raises(ValueError, match="split_by='one': the explained cells are of 1 donor"):
        scgce.tl.evidence(adata, by="donor", split_by="one")


@pytest.mark.parametrize("key", ["tgt", "codes"])
def test_the_picture_shows_the_frame(adata: ad.AnnData, key: str) -> None:
    frame = scgce.get.contrasts(adata, key=key)
    left, _ = scgce.pl.contrasts(adata, key=key, show=False)
    filled, hollow = (group.get_offsets() for group in left.collections[:2])
    assert len(filled) == frame["agree"].sum() and len(filled) + len(hollow) == len(frame)
    assert [text.get_text() for text in left.get_yticklabels()] == ["0", "1", "2"]
    assert left.get_xlabel() == "ctrl → stim"
    few, beside = scgce.pl.contrasts(adata, key=key, n_items=2, show=False)
    gap = beside.get_window_extent().x0 - few.get_window_extent().x1
    assert 0 < gap < 0.5 * few.figure.dpi  # the legend takes no room between the two panels
    assert len(few.get_xticklabels()) == 2
    plt.close("all")


def test_the_page_has_their_table(adata: ad.AnnData, tmp_path: Path) -> None:
    scgce.report(adata, tmp_path / "page.html", key="codes")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    frame = scgce.get.contrasts(adata, key="codes")
    assert data["contrasts"]["item"] == frame["item"].tolist()
    np.testing.assert_allclose(data["contrasts"]["shift"], frame["shift"])
    votes = [f"{a} of {b}" for a, b in zip(frame["donors_agreeing"], frame["donors"], strict=True)]
    assert data["contrasts"]["donors"] == votes
    assert data["contrasts"]["agree"] == ["yes" if one else "not shown" for one in frame["agree"]]
