"""Letters that the font in use has not."""

from __future__ import annotations

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import font_manager
from tests._results import blobs, store_result

from scgce import pl
from scgce.pl import _fonts

LETTERS = "細胞记忆"


@pytest.fixture
def adata():
    found = store_result(blobs(3))
    names = [f"T{LETTERS}", "B λ→", "NK"]
    found.obs["cell_type"] = found.obs["cell_type"].cat.rename_categories(names)
    found.uns["tgt"]["groups"] = np.array(names, dtype=object)
    return found


@pytest.fixture
def nothing_said():
    _fonts._tell.cache_clear()


def test_letters_of_no_font_are_said_once_and_drawn_in_silence(adata, caplog, nothing_said, tmp_path):
    if any(set(map(ord, LETTERS)) <= _fonts._letters(name) for name in _fonts.OTHERS):
        pytest.skip("a font here has them")
    for name in ("metrics", "groups"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = getattr(pl, name)(adata, return_fig=True)
            if _fonts._has_last():
                figure.savefig(tmp_path / "picture.png")
    said = [record.getMessage() for record in caplog.records if "font" in record.getMessage()]
    assert len(said) == 1
    assert all(letter in said[0] for letter in LETTERS) and "λ" not in said[0] and "Noto Sans CJK" in said[0]


def test_another_installed_font_is_taken(adata, caplog, nothing_said, monkeypatch):
    """As on a machine whose first font is of few letters: here cmr10, which has no arrow and no Greek."""
    monkeypatch.setattr(_fonts, "OTHERS", ("No Such Font", "DejaVu Sans"))
    with mpl.rc_context({"font.family": "cmr10", "axes.formatter.use_mathtext": True}):
        ax = plt.figure().add_subplot()
        title = ax.set_title("B → λ")
        plain = ax.set_xlabel("B")
        _fonts.tell_fonts(ax.figure)
        assert title.get_fontfamily()[:2] == ["cmr10", "DejaVu Sans"] and plain.get_fontfamily() == ["cmr10"]
        assert not caplog.records
        assert any(entry.name == "cmr10" for entry in font_manager.fontManager.ttflist)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ax.figure.draw_without_rendering()
