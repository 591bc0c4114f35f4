"""The main plots look as they did.

Compared by the root mean square of the difference of two pictures (0 to 255, text included). The limit of 3 leaves
room for rounding in the data; a sign turned round moves it by 11 or more. Text rendering and layout depend on
matplotlib's version and on the FreeType it was built with, so the pictures are compared only under the minor version
they were drawn with and its own FreeType; elsewhere the tests are skipped. After a wanted change:
``SCGCE_NEW_BASELINES=1 pytest tests/pl/test_images.py``, and look at what changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import ft2font
from PIL import Image
from tests._results import NAMES, blobs, store_result

from scgce import pl

BASELINES = Path(__file__).parent / "baselines"
RENEW = bool(os.environ.get("SCGCE_NEW_BASELINES"))
LIMIT = 3.0
MINOR = ".".join(mpl.__version__.split(".")[:2])
A, B = NAMES[1], NAMES[3]

PLOTS = {
    "explanation": lambda adata: pl.explanation(adata, A, B, return_fig=True),
    "groups": lambda adata: pl.groups(adata, return_fig=True),
    "metrics": lambda adata: pl.metrics(adata, return_fig=True),
    "sweep": lambda adata: pl.sweep(adata, return_fig=True),
    "heatmap": lambda adata: pl.heatmap(adata, return_fig=True),
    "levels": lambda adata: pl.levels(adata, n_genes=10, return_fig=True),
    "markers": lambda adata: pl.markers(adata, return_fig=True),
    "translation": lambda adata: pl.translation(adata, A, B, return_fig=True),
}


def drawn_elsewhere():
    made_with = (BASELINES / "matplotlib.txt").read_text().strip()
    return not RENEW and (made_with != MINOR or ft2font.__freetype_build_type__ != "local")


pytestmark = pytest.mark.skipif(drawn_elsewhere(), reason="baselines are of another matplotlib or FreeType")


@pytest.fixture(scope="module")
def adata():
    return store_result(blobs(6))


def draw(name, adata, path):
    with mpl.rc_context({"text.hinting": "none"}):
        PLOTS[name](adata).savefig(path, dpi=45)
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    if RENEW:
        small.save(path, optimize=True)
    return small


def baseline(name):
    with Image.open(BASELINES / f"{name}.png") as stored:
        return stored.convert("RGB")


def difference(one, two):
    if one.size != two.size:
        return float("inf")
    return float(np.sqrt(((np.asarray(one, float) - np.asarray(two, float)) ** 2).mean()))


@pytest.mark.parametrize("name", PLOTS)
def test_picture_is_as_it_was(name, adata, tmp_path):
    if RENEW:
        draw(name, adata, BASELINES / f"{name}.png")
        (BASELINES / "matplotlib.txt").write_text(f"{MINOR}\n")
    rms = difference(draw(name, adata, tmp_path / f"{name}.png"), baseline(name))
    assert rms <= LIMIT, f"{name} differs by {rms:.1f} from its baseline; see {tmp_path / name}.png"


@pytest.mark.parametrize("name", ["heatmap", "translation"])
def test_the_limit_tells_opposite_signs(name, adata, tmp_path):
    turned = adata.copy()
    turned.uns["tgt"]["deltas"] = -turned.uns["tgt"]["deltas"]
    assert difference(draw(name, turned, tmp_path / f"{name}.png"), baseline(name)) > 2 * LIMIT


@pytest.mark.parametrize("name", ["metrics", "sweep"])
def test_the_limit_tells_other_scores(name, adata, tmp_path):
    other = store_result(adata.copy(), seed=8)
    assert difference(draw(name, other, tmp_path / f"{name}.png"), baseline(name)) > LIMIT


def test_the_limit_tells_other_places(adata, tmp_path):
    turned = adata.copy()
    turned.obsm["X_umap"] = turned.obsm["X_umap"][:, ::-1] * [1.0, 0.5]
    assert difference(draw("groups", turned, tmp_path / "groups.png"), baseline("groups")) > 2 * LIMIT
