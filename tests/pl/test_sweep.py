"""Scores against sparsity."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from tests._results import blobs, store_result
from tests.pl._legible import assert_legible, drawn_texts

from scgce import get, pl, tl
from scgce.pl._sweep import sweep_data
from scgce.pl._sweep_several import several_data


@pytest.fixture
def adata():
    return store_result(blobs(), sparsities=(1, 2, 5, 30), selected=5)


def test_data_are_the_sweep(adata):
    frame = sweep_data(adata)
    table = get.sweep(adata).set_index("sparsity")
    for record in frame.to_dict("records"):
        assert record["value"] == table.loc[record["sparsity"], record["score"]]
    assert frame["score"].value_counts().to_dict() == dict.fromkeys(
        ["correctness", "coverage", "judge_logreg", "judge_knn", "dbm_correctness", "dbm_coverage"], 4
    ) | dict.fromkeys(["self_similarity", "judge_logreg_ceiling", "judge_knn_ceiling"], 4) | {"similarity": 3}
    assert set(frame.loc[frame["selected"], "sparsity"]) == {5}
    own = sweep_data(adata, include_self=True)
    assert not np.allclose(own["value"], frame["value"])


def test_lines_are_the_data(adata):
    axes = pl.sweep(adata)
    for ax, score in zip(axes, ("dbm_correctness", "dbm_coverage", "judge_knn"), strict=True):
        lines = {tuple(np.round(line.get_ydata(), 9)) for line in ax.lines}
        assert tuple(np.round(get.sweep(adata)[score], 9)) in lines
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "5", "all"]


@pytest.mark.parametrize("same", [True, False])
def test_names_at_the_ends_are_legible(adata, same):
    if same:
        for name, block in adata.uns["tgt"]["sweep"].items():
            if name not in ("sparsity", "lam", "similarity", "deltas"):
                block[:] = 0.5
    figure = pl.sweep(adata, return_fig=True)
    assert_legible(figure)
    assert {"ours", "difference of means", "regression", "similarity"} <= {text for text, _ in drawn_texts(figure)}


def test_one_sparsity_and_few_scores():
    adata = store_result(blobs(), sparsities=(5,))
    for name in [name for name in adata.uns["tgt"]["sweep"] if name.startswith(("judge", "dbm", "validation"))]:
        del adata.uns["tgt"]["sweep"][name]
    figure = pl.sweep(adata, return_fig=True)
    assert_legible(figure)
    assert not any("means" in text for text, _ in drawn_texts(figure))


@pytest.fixture(scope="module")
def genes_and_programmes():
    adata = store_result(blobs(), sparsities=(1, 2, 5, 10))
    sets = {f"set {g}": list(adata.var_names[6 * g : 6 * g + 6]) for g in range(5)}
    tl.tgt(adata, "cell_type", use_rep="X_umap", programs=sets, sparsity=(1, 2, 4), key_added="programmes")
    return adata


def test_genes_and_programmes_on_one_picture(genes_and_programmes):
    keys = ["tgt", "programmes"]
    frame = several_data(genes_and_programmes, keys)
    for key, unit in zip(keys, ("genes", "programmes"), strict=True):
        table = get.sweep(genes_and_programmes, key=key).set_index("sparsity")
        own = frame[frame["key"] == key]
        assert set(own["unit"]) == {unit}
        for record in own.to_dict("records"):
            assert record["value"] == table.loc[record["sparsity"], record["score"]]
        if unit == "programmes":
            genes = own.drop_duplicates("sparsity").set_index("sparsity")["genes"]
            assert genes.to_dict() == table["n_genes"].to_dict()
    axes = pl.sweep(genes_and_programmes, key=keys)
    for ax, score in zip(axes, ("correctness", "coverage", "judge_knn"), strict=True):
        drawn = {to_hex(line.get_color()): set() for line in ax.lines}
        for line in ax.lines:
            drawn[to_hex(line.get_color())].add(tuple(np.round(line.get_ydata(), 9)))
        found = [get.sweep(genes_and_programmes, key=key)[score].round(9) for key in keys]
        owners = [[color for color, lines in drawn.items() if tuple(values) in lines] for values in found]
        assert len(owners[0]) == len(owners[1]) == 1 and owners[0] != owners[1]
    figure = pl.sweep(genes_and_programmes, key=keys, return_fig=True)
    assert_legible(figure)
    assert {"tgt, in genes", "programmes, in programmes", "real cells"} <= {text for text, _ in drawn_texts(figure)}


def test_the_same_result_twice_is_refused(genes_and_programmes):
    with pytest.raises(ValueError, match="different names"):
        pl.sweep(genes_and_programmes, key=["tgt", "tgt"])
