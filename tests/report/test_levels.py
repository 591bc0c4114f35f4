from __future__ import annotations

import base64
from itertools import permutations
from typing import Any

import anndata as ad
import numpy as np
import pytest
from tests._results import blobs, store_pairs, store_result

import scgce
from scgce import get
from scgce._report import _levels
from scgce._report._levels import levels
from scgce.store.result import Result


def _unpack(text: str, kind: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=f"<{kind}").reshape(shape)


def _explain(content: dict[str, Any], level: dict[str, Any], i: int, j: int, size: int) -> dict[str, float]:
    """What the page's script does, written again."""
    places = _unpack(level["genes"], "i4", -1)
    if "pairs" in level:
        stored, row = level["pairs"], i * size + j
        ends = [0, *_unpack(stored["ends"], "i4", size * size)]
        at = slice(ends[row], ends[row + 1])
        genes, deltas = _unpack(stored["genes"], "i4", -1)[at], _unpack(stored["deltas"], "f4", -1)[at]
        return {content["genes"][place]: delta for place, delta in zip(genes, deltas, strict=True)}
    basis = _unpack(level["basis"], "f4", size, len(places))
    delta = basis[j] - basis[i]
    found = sorted((-abs(delta[g]), places[g], delta[g]) for g in np.flatnonzero(delta))[: level["cut"]]
    return {content["genes"][place]: value for _, place, value in found}


@pytest.mark.parametrize("kind", ["cut", "whole", "pairs"])
def test_the_page_can_work_out_every_explanation(kind: str) -> None:
    adata = store_result(blobs(), pair_cut=kind != "whole")
    if kind == "pairs":
        store_pairs(adata)
    content = levels(Result.read(adata, "tgt"))
    names = adata.uns["tgt"]["groups"]
    assert [level["k"] for level in content["levels"]] == [1, 2, 5]
    for level in content["levels"]:
        for i, j in permutations(range(4), 2):
            expected = get.explanation(adata, names[i], names[j], sparsity=level["k"])
            found = _explain(content, level, i, j, 4)
            assert list(found) == list(expected["gene"])
            np.testing.assert_allclose(list(found.values()), expected["delta"])


def test_scores_and_means_are_those_of_get() -> None:
    adata = store_result(blobs())
    content = levels(Result.read(adata, "tgt"))
    last = content["levels"][-1]
    frame = get.metrics(adata, include_self=True)
    for name in ("correctness", "coverage", "percent_explained", "judge_logreg", "judge_knn"):
        np.testing.assert_allclose(_unpack(last["scores"][name], "f4", -1), frame[name], rtol=1e-6)
    np.testing.assert_array_equal(_unpack(last["n_genes"], "i4", -1), frame["n_genes"])
    assert "percent_explained" not in content["levels"][0]["scores"]  # known at the selected sparsity only
    columns = [list(adata.var_names).index(gene) for gene in content["genes"]]
    np.testing.assert_array_equal(
        _unpack(content["means"], "f4", 4, len(columns)), adata.uns["tgt"]["means"][:, columns]
    )


@pytest.mark.parametrize("pairs", [False, True])
def test_rich_explanations_are_cut_to_the_largest(monkeypatch: pytest.MonkeyPatch, pairs: bool) -> None:
    monkeypatch.setattr(_levels, "MOST_GENES", 2)
    adata = store_pairs(store_result(blobs())) if pairs else store_result(blobs())
    content = levels(Result.read(adata, "tgt"))
    names = adata.uns["tgt"]["groups"]
    expected = get.explanation(adata, names[0], names[2], sparsity=5)
    found = _explain(content, content["levels"][-1], 0, 2, 4)
    assert list(found) == list(expected["gene"][:2])
    assert _unpack(content["levels"][-1]["n_genes"], "i4", 4, 4)[0, 2] == len(expected) == 5


def test_a_result_without_a_sweep(explained: ad.AnnData) -> None:
    del explained.uns["tgt"]["sweep"]
    assert [level["k"] for level in levels(Result.read(explained, "tgt"))["levels"]] == [5]


def _changes(content: dict[str, Any], level: dict[str, Any], i: int, j: int, size: int) -> dict[str, float]:
    """What the page's script reads of the changes, written again."""
    stored, row = level["changes"], i * size + j
    ends = [0, *_unpack(stored["ends"], "i4", size * size)]
    at = slice(ends[row], ends[row + 1])
    genes, values = _unpack(stored["genes"], "i4", -1)[at], _unpack(stored["values"], "f4", -1)[at]
    return {content["genes"][place]: value for place, value in zip(genes, values, strict=True)}


def test_what_happens_to_the_cells_is_on_the_page(blobs: ad.AnnData) -> None:
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=[2, 4], method="truncate", judges=False, amplitude=10)
    content = levels(Result.read(blobs, "tgt"))
    names = blobs.uns["tgt"]["groups"]
    assert content["bounded"]
    reported = dict(zip(content["genes"], _unpack(content["reported"], "f4", 4, -1).T, strict=True))
    for level in content["levels"]:
        for i, j in permutations(range(4), 2):
            expected = get.explanation(blobs, names[i], names[j], sparsity=level["k"]).set_index("gene")
            found = _changes(content, level, i, j, 4)
            for gene, row in expected.iterrows():
                assert found.get(gene, 0.0) == pytest.approx(row["change"], abs=1e-6)
                assert reported[gene][i] + found.get(gene, 0.0) == pytest.approx(row["mean_after"], abs=1e-4)
    scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=[2], method="truncate", judges=False, clip=None)
    content = levels(Result.read(blobs, "tgt"))
    assert not content["bounded"] and "changes" not in content["levels"][0]
