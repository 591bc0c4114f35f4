"""`tl.programs` and `get.programs`: what is stored, what is read, what any arrangement of the data leaves the same."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._files import write_zarr
from tests.tl._frozen import frozen

import scgce
from scgce.programs import read_programs
from scgce.programs.stored import programs_of
from scgce.store.result import Result

SETS = {"a/b": [f"gene{g}" for g in range(8)], "second": [f"gene{g}" for g in range(5, 12)]}


@pytest.fixture(scope="module")
def stored(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.programs(adata, "group", source=SETS, n_programs=3)
    return adata


def test_membership_shares_every_covered_gene(stored: ad.AnnData) -> None:
    membership = pd.DataFrame(
        stored.varm["programs"].toarray(), index=stored.var_names, columns=list(stored.uns["programs"]["names"])
    )
    for name, genes in SETS.items():
        assert set(membership.index[membership[name] > 0]) == set(genes)
    assert (membership.loc["gene5", list(SETS)] == 0.5).all() and membership.loc["gene0", "a/b"] == 1.0
    total = membership.sum(axis=1)
    assert set(np.unique(total)) == {0.0, 1.0}
    assert stored.uns["programs"]["params"]["covered"] == pytest.approx((total > 0).mean())
    assert (membership.iloc[:, 2:].sum(axis=1)[total > 0] + membership[list(SETS)].sum(axis=1)[total > 0] == 1).all()


def test_the_frame_says_what_each_programme_is(stored: ad.AnnData) -> None:
    table = scgce.get.programs(stored)
    assert list(table["program"][:2]) == list(SETS)
    assert (
        list(table["source"]) == ["dict"] * 2 + ["profile"] * 3 and list(table["learned"]) == [False] * 2 + [True] * 3
    )
    assert list(table["n_given"][:2]) == [8, 7] and (table["matched"] == 1).all()
    assert table["agreement"].isna().to_list() == [True] * 2 + [False] * 3
    assert table["agreement"].dropna().between(0, 1).all()
    long = scgce.get.programs(stored, by="gene")
    assert list(long.groupby("program", sort=False).size()) == list(table["n_genes"])
    sums = long.merge(_spread(stored), on="gene").eval("share * spread").groupby(long["program"], sort=False).sum()
    assert table["size"].to_numpy() == pytest.approx(sums.to_numpy() / _spread(stored)["spread"].sum(), rel=1e-5)
    for program, leading in zip(table["program"], table["leading_genes"], strict=True):
        first = list(long.loc[long["program"] == program, "gene"][:10])
        assert leading == ", ".join(first)


def _spread(adata: ad.AnnData) -> pd.DataFrame:
    means = adata.to_df().astype(float).groupby(adata.obs["group"], observed=True).mean()
    return ((means - means.mean()) ** 2).sum().rename("spread").rename_axis("gene").reset_index()


def test_annotation_names_the_set_that_is_most_like(stored: ad.AnnData) -> None:
    known = {"renamed": SETS["a/b"], "other": [f"gene{g}" for g in range(40, 50)], "small": ["gene1"]}
    table = scgce.get.programs(stored, annotate=known)
    assert table.loc[0, "set"] == "renamed" and table.loc[0, "overlap"] == 8 and table.loc[0, "p_adjusted"] < 1e-3
    assert "small" not in set(table["set"])
    assert list(table.columns[-5:]) == ["set", "overlap", "n_set", "p_value", "p_adjusted"]


@pytest.mark.parametrize("kind", ["h5ad", "zarr-2", "zarr-3", "copy", "backed"])
def test_what_is_stored_survives(stored: ad.AnnData, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cells"
    if kind in ("h5ad", "backed"):
        stored.write_h5ad(path)
        again = ad.read_h5ad(path, backed="r" if kind == "backed" else None)
    elif kind == "copy":
        again = stored.copy()
    else:
        write_zarr(stored, path, int(kind[-1]))
        again = ad.read_zarr(path)
    for by in ("program", "gene"):
        pd.testing.assert_frame_equal(scgce.get.programs(again, by=by), scgce.get.programs(stored, by=by))


def test_genes_that_were_taken_away_are_missing_and_nothing_else_changes(stored: ad.AnnData) -> None:
    few = stored[:, stored.var_names[::-1][:58]].copy()  # without gene0 and gene1, in another order
    table, before = scgce.get.programs(few), scgce.get.programs(stored)
    assert list(before["n_genes"] - table["n_genes"])[:2] == [2, 0]
    long, was = (scgce.get.programs(adata, by="gene") for adata in (few, stored))
    gone = was["gene"].isin(["gene0", "gene1"])
    pd.testing.assert_frame_equal(long, was[~gone].reset_index(drop=True))


def test_a_stored_key_is_a_source_and_is_taken_as_it_is(stored: ad.AnnData) -> None:
    adata = stored.copy()
    scgce.tl.programs(adata, "group", source="programs", key_added="again")
    np.testing.assert_array_equal(adata.varm["again"].toarray(), adata.varm["programs"].toarray())
    columns = ["program", "n_genes", "leading_genes", "source", "learned", "n_given", "matched", "size"]
    pd.testing.assert_frame_equal(scgce.get.programs(adata, "again")[columns], scgce.get.programs(adata)[columns])


@pytest.mark.parametrize("options", [{"groupby": "group"}, {}, {"groupby": "group", "n_programs": 5}])
def test_auto_says_what_it_tried(blobs: ad.AnnData, options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="scgce"):
        scgce.tl.programs(blobs, **options)
    entry = blobs.uns["programs"]
    if "groupby" not in options:
        assert entry["params"]["source"] == "coexpression" and "tried" not in entry
        return
    tried = entry["tried"]
    assert set(tried["sources"]) == {"profile", "coexpression", "nmf"}
    chosen = (tried["sources"] == entry["params"]["source"]) & (tried["numbers"] == entry["params"]["n_programs"])
    assert tried["shares"][chosen].max() >= tried["shares"].max() - 0.05
    assert f"source='auto' is {entry['params']['source']!r}" in caplog.text
    if "n_programs" in options:
        assert set(tried["numbers"]) == {5}


@pytest.mark.parametrize("source", ["auto", "profile", "coexpression", "nmf", SETS])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16))
def test_arrangement_does_not_matter(stored: ad.AnnData, source: Any, seed: int) -> None:
    adata = stored.copy()
    rng = np.random.default_rng(seed)
    arranged = adata[rng.permutation(adata.n_obs), rng.permutation(adata.n_vars)].copy()
    arranged.obs["group"] = arranged.obs["group"].cat.reorder_categories(rng.permutation(["B/1", "T cell", "NK", "3"]))
    tables = []
    for one in (adata, arranged):
        scgce.tl.programs(one, "group", source=source, n_programs="auto" if source == "auto" else 4)
        tables.append([scgce.get.programs(one, by=by) for by in ("program", "gene")])
    for first, second in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(first, second, rtol=1e-3, atol=1e-6)


def test_the_same_seed_gives_the_same_bytes(blobs: ad.AnnData) -> None:
    other = blobs.copy()
    for adata in (blobs, other):
        scgce.tl.programs(adata, source="coexpression", n_programs=4, rng=3)
    assert frozen(blobs) == frozen(other)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "all unknown": ({"source": {"a": ["x", "y"]}}, "source leaves no programme with min_genes=5"),
    "empty sets": ({"source": {"a": [], "b": []}}, "source leaves no programme"),
    "other naming": ({"source": {"a": [f"GENE{g}" for g in range(9)]}}, "but for upper and lower case"),
    "more programmes than genes": ({"source": "profile", "n_programs": 61}, "n_programs=61: only .* genes vary"),
    "profile without groups": ({"groupby": None, "source": "profile"}, "at least two groups; give groupby"),
    "NaN": ({"source": pd.DataFrame({"a": [np.nan]}, index=["gene1"])}, "NaN or infinite"),
    "over its own source": ({"source": "PCs", "key_added": "PCs"}, "would overwrite adata.varm\\['PCs'\\]"),
    "a group too small to choose on": (
        {"source": "auto", "groupby": "rare", "min_cells": 1},
        "source='auto' needs at least 3 cells in every group, to learn and to choose; c have fewer",
    ),
    "a file of no tabs": ({"source": Path(__file__).with_suffix(".gmt")}, "there is no such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_nothing_changes(blobs: ad.AnnData, case: str) -> None:
    options, message = BAD[case]
    blobs.obs["rare"] = np.where(np.arange(blobs.n_obs) == 0, "c", np.where(np.arange(blobs.n_obs) % 2, "a", "b"))
    before = frozen(blobs)
    with pytest.raises((ValueError, OSError), match=message):
        scgce.tl.programs(blobs, **{"groupby": "group", **options})
    assert frozen(blobs) == before


def test_negative_values_are_refused_by_nmf_and_read_by_the_others(blobs: ad.AnnData) -> None:
    blobs.X = blobs.X.toarray() - 1.0
    with pytest.raises(ValueError, match="source='nmf' needs values of at least 0"):
        scgce.tl.programs(blobs, "group", source="nmf")
    scgce.tl.programs(blobs, "group")
    assert "nmf" not in set(blobs.uns["programs"]["tried"]["sources"])


def test_one_programme_and_a_programme_without_difference_are_kept(blobs: ad.AnnData) -> None:
    blobs.X = blobs.X.toarray()
    blobs.X[:, 50:56] = 1.0
    flat = {"flat": [f"gene{g}" for g in range(50, 56)]}
    scgce.tl.programs(blobs, "group", source=flat, rest=False)
    table = scgce.get.programs(blobs)
    assert list(table["program"]) == ["flat"] and table["size"].item() == pytest.approx(0, abs=1e-12)


def test_the_unit_of_the_values_does_not_matter(blobs: ad.AnnData) -> None:
    tiny = blobs.copy()
    tiny.X = tiny.X * np.float32(2.0**-20)
    for source in ("profile", "coexpression"):
        sets = []
        for adata in (blobs, tiny):
            scgce.tl.programs(adata, "group", source=source, n_programs=4)
            found = read_programs(adata, "programs")
            sets.append({frozenset(found.genes[found.leading(m)]) for m in range(found.n)})
        assert sets[0] == sets[1]


def test_damaged_entries_are_named(stored: ad.AnnData) -> None:
    adata = stored.copy()
    with pytest.raises(KeyError, match="key='nowhere' not in the programmes of adata.varm; found: programs"):
        scgce.get.programs(adata, "nowhere")
    with pytest.raises(KeyError, match="key='PCs' not in the programmes"):
        scgce.get.programs(adata, "PCs")
    adata.uns["programs"]["learned"] = adata.uns["programs"]["learned"][:2]
    with pytest.raises(ValueError, match="truncated or edited"):
        scgce.get.programs(adata)
    del adata.uns["programs"]["weights"]
    with pytest.raises(ValueError, match="missing: weights"):
        scgce.get.programs(adata)


def test_programmes_of_an_explanation_are_read_as_those_stored_by_themselves(blobs: ad.AnnData) -> None:
    options = {"use_rep": "X_pca", "sparsity": [2], "judges": False}
    scgce.tl.tgt(blobs, "group", programs=SETS, **options)
    scgce.tl.programs(blobs, "group", source=read_programs_of(blobs))
    columns = ["program", "n_genes", "leading_genes"]
    of_explanation, alone = (scgce.get.programs(blobs, key)[columns] for key in ("tgt", "programs"))
    pd.testing.assert_frame_equal(of_explanation, alone)
    means = pd.DataFrame(blobs.uns["tgt"]["means"], columns=list(blobs.var_names)).astype(float)
    spread = ((means - means.mean()) ** 2).sum()
    shares = scgce.get.programs(blobs, "tgt", by="gene").set_index("gene")["share"]
    assert scgce.get.programs(blobs, "tgt")["size"].sum() == pytest.approx(
        spread[shares.groupby(level=0).sum().index].sum() / spread.sum(), rel=1e-5
    )
    scgce.tl.tgt(blobs, "group", **options, key_added="genes")
    with pytest.raises(KeyError, match="key='genes' not in the programmes"):
        scgce.get.programs(blobs, "genes")


def read_programs_of(adata: ad.AnnData) -> Any:
    return programs_of(Result.read(adata, "tgt"))
