"""Figures are drawn without a screen and closed after each test."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import scanpy as sc


@pytest.fixture(autouse=True)
def _figures():
    mpl.use("agg")
    autoshow, sc.settings.autoshow = sc.settings.autoshow, False
    with mpl.rc_context():
        mpl.rcdefaults()
        yield
    plt.close("all")
    sc.settings.autoshow = autoshow
