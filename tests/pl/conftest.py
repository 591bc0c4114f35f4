"""Figures are drawn without a screen, as matplotlib draws them by default."""

from __future__ import annotations

import matplotlib as mpl
import pytest
import scanpy as sc


@pytest.fixture(autouse=True)
def _figures():
    mpl.use("agg")
    autoshow, sc.settings.autoshow = sc.settings.autoshow, False
    with mpl.rc_context():
        mpl.rcdefaults()
        yield
    sc.settings.autoshow = autoshow
