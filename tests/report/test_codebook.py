"""A page of a result in programmes says what `get.explanation` and `get.codebook` say."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
from tests._results import blobs, store_result

import scgce
from scgce._report._codebook import programmes
from scgce.store.result import Result

SETS = {f"set {g}": [f"gene{i}" for i in range(6 * g, 6 * g + 6)] for g in range(5)}
KS = (1, 2, 4)


@pytest.fixture(scope="module")
def in_programmes() -> ad.AnnData:
    adata = blobs()
    adata.var_names = [f"gene{i}" for i in range(adata.n_vars)]
    scgce.tl.tgt(adata, "cell_type", use_rep="X_umap", programs=SETS, sparsity=KS)
    return adata


def _unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=f"<{kind}")


def test_payload_holds_levels_shares_and_leading_genes(in_programmes: ad.AnnData) -> None:
    result = Result.read(in_programmes, "tgt")
    found = programmes(in_programmes, result)
    assert found is not None
    n, names = len(result.groups), found["names"]
    means = _unpacked(found["means"], "f4").reshape(n, -1)
    for k, page in zip(KS, found["levels"], strict=True):
        book = scgce.get.codebook(in_programmes, sparsity=k)
        level = _unpacked(page["level"], "i2").reshape(-1, n)
        np.testing.assert_array_equal(level, book["level"].loc[names])
        np.testing.assert_allclose(_unpacked(page["amount"], "f4").reshape(-1, n), book["mean"].loc[names], rtol=1e-6)
        shares = _unpacked(page["share"], "u2").reshape(-1, len(names)) / 65535
        for (i, j), share in zip(combinations(range(n), 2), shares, strict=True):
            frame = scgce.get.explanation(in_programmes, result.groups[i], result.groups[j], sparsity=k)
            expected = frame.set_index("program")["share"].astype(float).reindex(names, fill_value=0.0)
            np.testing.assert_allclose(share, expected, atol=1e-5)
            for row in frame.itertuples():
                m = names.index(row.program)
                words = found["words"][level[m].max()]
                assert (words[level[m, i]], words[level[m, j]]) == (row.level_source, row.level_target)
                start = sum(len(genes) for genes in found["leading"][:m])
                real = means[j, start:] - means[i, start:]
                texts = [f"{gene} ({x:+.2f})" for gene, x in zip(found["leading"][m], real, strict=False)]
                assert ", ".join(texts) == row.leading_genes
        assert sorted(page["groups"]) == list(range(n))
        assert set(page["programs"]) == set(np.flatnonzero(level.max(axis=1) > 0))


def test_a_result_in_genes_has_none() -> None:
    adata = store_result(blobs())
    assert programmes(adata, Result.read(adata, "tgt")) is None


def _texts(page: Any, selector: str) -> list[str]:
    return page.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector)


@pytest.mark.browser
def test_the_page_has_a_row_a_programme_and_the_codebook(
    in_programmes: ad.AnnData, write_page: Callable[..., Path], visit: Callable[[Path], Any]
) -> None:
    page = visit(write_page(in_programmes))
    groups = [str(name) for name in in_programmes.uns["tgt"]["groups"]]
    chosen = [
        page.execute_script(f"return document.getElementById('{role}').selectedIndex") for role in ("source", "target")
    ]
    frame = scgce.get.explanation(in_programmes, groups[chosen[0]], groups[chosen[1]])
    assert _texts(page, "#pair-programs td:first-child") == list(frame["program"])
    assert _texts(page, "#pair-programs td:nth-child(4)") == list(frame["level_source"])
    shown = [text.replace("−", "-") for text in _texts(page, "#pair-programs td:nth-child(6)")]
    assert [float(text) for text in shown] == pytest.approx(list(frame["size"]), abs=0.006)
    lines = [text for text in _texts(page, "#codebook-chart svg > text") if text.startswith("set ")]
    taking = scgce.get.codebook(in_programmes)["level"].max(axis=1)
    assert len(lines) == (taking > 0).sum()
    assert _texts(page, ".unit") == ["programmes"] * len(_texts(page, ".unit"))
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 500, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.browser
def test_a_page_of_genes_says_nothing_of_programmes(
    explained: ad.AnnData, write_page: Callable[..., Path], visit: Callable[[Path], Any]
) -> None:
    page = visit(write_page(explained))
    hidden = "return [...document.querySelectorAll('.of-programmes')].every(e => e.offsetParent === null)"
    assert page.execute_script(hidden)
    assert set(_texts(page, ".unit")) == {"genes"}
