from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pytest
from tests._results import blobs, store_result
from torch import nn

from scgce import get
from scgce._report import _cells
from scgce._report._payload import payload
from scgce.encoders import encoder_to_uns, wrap_module


def _payload(adata: ad.AnnData, **options: Any) -> dict[str, Any]:
    given = {"title": None, "basis": None, "max_cells": 1000, "rng": np.random.default_rng(0)} | options
    return payload(adata, "tgt", **given)


def _numbers(text: str, kind: str = "u2") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=f"<{kind}").astype(np.int64)


def _points(part: dict[str, Any]) -> np.ndarray:
    return np.column_stack([_numbers(part["x"]), _numbers(part["y"])])


def test_cells_stand_where_the_map_has_them(explained: ad.AnnData) -> None:
    cells = _payload(explained)["cells"]
    assert cells["total"] == cells["shown"] == explained.n_obs
    np.testing.assert_array_equal(_numbers(cells["code"], "i2"), explained.obs["cell_type"].cat.codes)
    # The frame is unknown here, but the map from obsm to it must be linear, axis by axis.
    for axis, name in enumerate("xy"):
        fit = np.polyfit(explained.obsm["X_umap"][:, axis], _numbers(cells[name]), 1)
        np.testing.assert_allclose(np.polyval(fit, explained.obsm["X_umap"][:, axis]), _numbers(cells[name]), atol=2)
        assert fit[0] > 0


@pytest.mark.parametrize("clip", [False, True])
def test_moved_cells_are_the_translated_ones(
    explained: ad.AnnData, monkeypatch: pytest.MonkeyPatch, clip: bool
) -> None:
    monkeypatch.setattr(_cells, "FAR", 1e9)
    explained.uns["tgt"]["params"]["clip"] = clip
    content = _payload(explained)
    here, moved, counts = _points(content["cells"]), _points(content["moves"]["levels"][-1]), content["moves"]["counts"]
    names, codes = explained.uns["tgt"]["groups"], explained.obs["cell_type"].cat.codes.to_numpy()
    codes = np.where(explained.uns["tgt"]["split"] == 2, codes, -1)  # reported cells
    assert counts == np.bincount(codes[codes >= 0]).tolist()
    encoder = np.linalg.lstsq(
        np.column_stack([explained.X.toarray(), np.ones(explained.n_obs)]), here.astype(float), rcond=None
    )[0]
    start = 0
    for i in range(4):
        for j in (j for j in range(4) if j != i):
            delta = get.explanation(explained, names[i], names[j]).set_index("gene")["delta"]
            X = explained[codes == i].to_df().astype(float)
            X[delta.index] += delta
            X = X.clip(lower=0) if clip else X
            expected = np.column_stack([X.to_numpy(), np.ones(len(X))]) @ encoder
            found = moved[start : start + counts[i]]
            inside = np.all((found > 0) & (found < 65535), axis=1)  # a few outliers stand on the border
            assert inside.mean() > 0.7
            np.testing.assert_allclose(found[inside], expected[inside], atol=150)
            start += counts[i]
    assert start == len(moved)


def test_a_sample_keeps_to_its_size(explained: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cells, "PER_PAIR", (3, 7))
    explained.uns["tgt"]["split"][:] = 2
    content = _payload(explained, max_cells=10)
    assert (content["cells"]["shown"], len(_numbers(content["cells"]["x"]))) == (10, 10)
    assert content["moves"]["counts"] == [7] * 4
    assert [len(_numbers(level["x"])) for level in content["moves"]["levels"]] == [7 * 12] * 3


def test_cells_without_a_group_and_groups_without_cells(explained: ad.AnnData) -> None:
    few = explained[explained.obs["cell_type"] != explained.uns["tgt"]["groups"][1]].copy()
    few.obs["cell_type"] = few.obs["cell_type"].where(np.arange(few.n_obs) > 4)
    content = _payload(few)
    assert (_numbers(content["cells"]["code"], "i2") == -1).sum() == 5
    assert content["moves"]["counts"][1] == 0


def test_without_an_encoder_there_is_a_reason(explained: ad.AnnData) -> None:
    encoder = wrap_module(nn.Linear(30, 2), explained.var_names)
    explained.uns["tgt"]["encoder"] = encoder_to_uns(encoder) | {"stored": False}
    content = _payload(explained)
    assert set(content["moves"]) == {"reason"}
    assert "could not be stored" in content["moves"]["reason"]


def test_frames_are_bounded() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0]])
    low, high = _cells._frame(points, np.array([[100.0, 1.0]] * 50))
    np.testing.assert_allclose([low, high], [[-0.04, -0.08], [1.34, 2.08]])


def test_colors_that_are_none_are_replaced(explained: ad.AnnData) -> None:
    explained.uns["cell_type_colors"] = ["red", "#00ff00", "javascript:alert(1)", "blue"]
    found = _payload(explained)["colors"]
    assert all(len(color) == 7 and color.startswith("#") for color in found)
    explained.uns["cell_type_colors"] = ["red", "#00ff00", "white", "blue"]
    assert _payload(explained)["colors"] == ["#ff0000", "#00ff00", "#ffffff", "#0000ff"]


def test_tables_are_those_of_get(explained: ad.AnnData) -> None:
    content = _payload(explained)
    markers = get.markers(explained, n_genes=50)
    assert content["markers"]["gene"] == markers["gene"].tolist()
    assert content["sweep"]["correctness"] == get.sweep(explained)["correctness"].tolist()
    del explained.uns["tgt"]["sweep"]
    assert _payload(explained)["sweep"] is None


def test_about_says_where_the_result_comes_from(explained: ad.AnnData) -> None:
    explained.uns["tgt"]["encoder"]["fidelity"] = {"r2": 0.98}
    content = _payload(explained)
    assert content["fidelity"] == {"r2": 0.98}
    params = dict(content["params"])
    assert (params["groupby"], params["sparsity_selected"]) == ("cell_type", "5")
    assert {"scgce (this page)", "Python", "anndata", "torch"} <= set(dict(content["versions"]))
    parts = dict(content["data"])
    assert int(parts["cells that fit"]) == int((explained.uns["tgt"]["split"] == 0).sum())


def test_genes_that_were_removed_since(explained: ad.AnnData) -> None:
    entry = explained.uns["tgt"]
    used = (entry["deltas"] != entry["deltas"][0]).any(axis=0)
    fewer = explained[:, ~used].copy()
    content = _payload(fewer)
    assert content["genes"]  # explanations are complete
    assert "reason" in content["moves"]  # but the cells cannot be translated any more


@pytest.fixture
def many() -> Callable[[], ad.AnnData]:
    return lambda: store_result(blobs(12))


def test_samples_shrink_with_the_number_of_pairs(many: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cells, "MOST_MOVED", 3 * 1320)
    monkeypatch.setattr(_cells, "PER_PAIR", (2, 150))
    adata = many()
    adata.uns["tgt"]["split"][:] = 2
    assert _payload(adata)["moves"]["counts"] == [10] * 12
