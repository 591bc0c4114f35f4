"""Judges one can rely on: what they read, what they can say at most, and where they contradict the map."""

from __future__ import annotations

import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import scgce
from scgce._api.warn import QualityWarning
from scgce._report._payload import payload
from scgce.core.score.judges import fit_judges
from scgce.encoders import encoder_from_uns
from scgce.explain import judges as room

HOW = {"use_rep": "X_pca", "sparsity": [20], "amplitude": 2.0, "method": "path"}
JUDGES = ["judge_logreg", "judge_knn"]


@pytest.fixture
def wide(blobs: ad.AnnData) -> ad.AnnData:
    """As most people prepare cells: X holds all genes, also 240 that tell the groups apart; the PCA reads 60 of 300."""
    codes = blobs.obs["group"].cat.codes.to_numpy()
    rng = np.random.default_rng(1)
    rates = rng.uniform(0.2, 3.0, (4, 240))
    rest = np.log1p(rng.poisson(rates[codes])).astype(np.float32)
    names = [*blobs.var_names, *(f"other{g}" for g in range(240))]
    X = sparse.csr_matrix(sparse.hstack([blobs.X, rest]))
    adata = ad.AnnData(X, obs=blobs.obs, var=pd.DataFrame(index=names), obsm={"X_pca": blobs.obsm["X_pca"]})
    adata.varm["PCs"] = np.vstack([blobs.varm["PCs"], np.zeros((240, 8))])
    return adata


def test_judges_do_not_vote_on_genes_that_the_map_does_not_read(wide: ad.AnnData) -> None:
    scgce.tl.tgt(wide, "group", **HOW)
    entry = wide.uns["tgt"]
    assert entry["movable"].tolist() == [True] * 60 + [False] * 240
    means = scgce.get.metrics(wide)[["correctness", *JUDGES]].mean()
    assert means.min() > 0.8

    split, codes = np.asarray(entry["split"]), wide.obs["group"].cat.codes.to_numpy()
    reads_all = fit_judges(wide.X[split == 0], codes[split == 0])["logreg"]
    delta = scgce.get.explanation(wide, "B/1", "NK").set_index("gene")["delta"]
    moved = wide[(codes == 0) & (split == 2)].to_df()
    moved[delta.index] += delta
    assert np.mean(reads_all.predict(moved.to_numpy()) == 2) < 0.2  # the other genes tell it that nothing has changed


def test_forbidden_genes_are_none_that_may_move(wide: ad.AnnData) -> None:
    allowed = np.arange(300) % 2 == 0
    scgce.tl.tgt(wide, "group", **HOW, mask_var=allowed)
    assert wide.uns["tgt"]["movable"].tolist() == (allowed & (np.arange(300) < 60)).tolist()


def test_the_ceiling_is_the_accuracy_on_real_reported_cells(wide: ad.AnnData, tmp_path: Path) -> None:
    scgce.tl.tgt(wide, "group", **HOW)
    wide.write_h5ad(tmp_path / "cells.h5ad")
    adata = ad.read_h5ad(tmp_path / "cells.h5ad")
    table = scgce.get.metrics(adata)
    entry, codes = adata.uns["tgt"], adata.obs["group"].cat.codes.to_numpy()
    split = np.asarray(entry["split"])
    order = np.concatenate([np.flatnonzero((codes == g) & (split == 0)) for g in range(4)])
    order = order[np.argsort(adata.obs_names[order].to_numpy().astype(str), kind="stable")]
    for name, judge in fit_judges(adata.X[order], codes[order], genes=entry["movable"]).items():
        called = judge.predict(adata.X)
        for g, group in enumerate(entry["groups"]):
            accuracy = np.mean(called[(codes == g) & (split == 2)] == g)
            found = table.loc[table["target"] == group, f"judge_{name}_ceiling"]
            np.testing.assert_allclose(found, accuracy, atol=0.06)  # rows in another order: the last digits of a fit
    sweep = scgce.get.sweep(adata)
    for name in JUDGES:
        assert sweep[f"{name}_ceiling"].iloc[0] == pytest.approx(np.diagonal(entry[name]).mean())


def test_the_same_judges_are_asked_by_every_tool(wide: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[tuple[int, int]] = []

    def counted(X: object, codes: np.ndarray, **options: object) -> dict[str, object]:
        fits.append(X.shape)
        return fit_judges(X, codes, **options)

    monkeypatch.setattr(room, "fit_judges", counted)
    monkeypatch.setattr(room, "_kept", type(room._kept)())
    scgce.tl.tgt(wide, "group", **HOW)
    scgce.tl.dbm(wide, "group", use_rep="X_pca", sparsity=20)
    scgce.tl.evaluate(wide)
    scgce.tl.evaluate(wide, "dbm")
    assert len(fits) == 1
    for name in JUDGES:
        np.testing.assert_array_equal(wide.uns["tgt_evaluated"][name], wide.uns["tgt"][name])
    wide.X[0, 0] += 1  # another matrix: other judges
    scgce.tl.dbm(wide, "group", use_rep="X_pca", sparsity=20)
    scgce.tl.dbm(wide, "group", use_rep="X_pca", sparsity=20, rng=1)
    assert 2 <= len(fits) <= 3


class Contradicts:
    """A judge who knows real cells and no translated one."""

    def __init__(self, adata: ad.AnnData) -> None:
        self.known = {row.tobytes(): name for row, name in zip(adata.X.toarray(), adata.obs["group"], strict=True)}

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.array([self.known.get(row.astype(np.float32).tobytes(), "?") for row in X])


def test_where_map_and_judges_disagree_the_pairs_are_named(wide: ad.AnnData) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", QualityWarning)
        scgce.tl.tgt(wide, "group", **HOW)
    rng = np.random.default_rng(0)
    assert payload(wide, "tgt", title=None, basis="X_pca", max_cells=50, rng=rng)["disagreements"] == []

    judges = {f"contradicts{number}": Contradicts(wide) for number in range(8)}
    with pytest.warns(QualityWarning, match=r"map and judges disagree in 12 of 12 pairs: .*B/1 → .*and 7 more"):
        scgce.tl.tgt(wide, "group", **HOW, judges=judges)
    table = scgce.get.metrics(wide)
    assert (table["judge_contradicts1_ceiling"] == 1).all() and (table["judge_contradicts1"] == 0).all()
    found = payload(wide, "tgt", title=None, basis="X_pca", max_cells=50, rng=rng)["disagreements"]
    assert len(found) == 12
    i, j, ours, theirs = found[0]
    groups = wide.uns["tgt"]["groups"]
    row = table[(table["source"] == groups[i]) & (table["target"] == groups[j])].iloc[0]
    assert ours == row["correctness"] and theirs == pytest.approx(
        np.mean([row[name] for name in row.index if name.startswith("judge_") and not name.endswith("_ceiling")])
    )
    frame = scgce.pl._metrics.metrics_data(wide, ["judge_contradicts1"])
    assert (frame["value"] == 0).all()


@pytest.mark.parametrize("kind", [float, np.float32])
def test_a_judge_answers_in_the_labels_it_was_taught(blobs: ad.AnnData, kind: type) -> None:
    """A group of the number 1.0 is called "1"."""
    blobs.obs["group"] = (np.arange(blobs.n_obs) % 4).astype(kind)
    names = blobs.obs["group"].astype(int).astype(str)
    labels = {"own": blobs.obs["group"], "text": names}
    taught = {name: LogisticRegression().fit(blobs.X, given.to_numpy()) for name, given in labels.items()}
    scgce.tl.dbm(blobs, "group", use_rep="X_pca", sparsity=5, judges=taught)
    scgce.tl.evaluate(blobs, "dbm", judges=taught)
    for key in ("dbm", "dbm_evaluated"):
        entry = blobs.uns[key]
        np.testing.assert_array_equal(entry["judge_own"], entry["judge_text"])
        assert np.diag(entry["judge_own"]).min() > 0.8
    scgce.tl.lineages(blobs, {0: "x", 1: "x", 2: "y", 3: "y"}, key="dbm", judges=taught)
    assert np.diag(blobs.uns["lineages"]["judge_own"]).min() > 0.8


def test_a_judge_that_answers_no_group_is_refused_before_the_fit(
    blobs: ad.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {"codes": LogisticRegression().fit(blobs.X, blobs.obs["group"].cat.codes + 10)}
    said = r"judges: 'codes' answers 10, 11, 12, 13, none of the groups: B/1, T cell, NK, 3; expected .* labels"
    monkeypatch.setattr("scgce.tl._tgt.explanations", None)  # would be called
    with pytest.raises(ValueError, match=said):
        scgce.tl.tgt(blobs, "group", **HOW, judges=codes)
    assert "tgt" not in blobs.uns


def test_judges_of_lineages_read_the_same_genes(wide: ad.AnnData) -> None:
    scgce.tl.tgt(wide, "group", **HOW)
    scgce.tl.lineages(wide, {"B/1": "x", "T cell": "x", "NK": "y", "3": "y"})
    np.testing.assert_array_equal(wide.uns["lineages"]["movable"], wide.uns["tgt"]["movable"])


def test_an_encoder_without_a_first_linear_map_reads_every_gene(wide: ad.AnnData) -> None:
    encoder = encoder_from_uns(
        scgce.tl.dbm(wide, "group", use_rep="X_pca", sparsity=5, copy=True).uns["dbm"]["encoder"]
    )
    assert room.movable_genes(encoder).sum() == 60
    encoder.W = None
    assert room.movable_genes(encoder).all()
