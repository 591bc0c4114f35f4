"""Writing results: tables as CSV, figures as PNG."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from .settings import Settings


def save_table(frame: pd.DataFrame, name: str, settings: Settings) -> None:
    """Write ``name.csv`` with four decimals, so that a rerun on another machine differs little."""
    settings.results.mkdir(parents=True, exist_ok=True)
    frame.to_csv(settings.results / f"{name}.csv", index=False, float_format="%.4f", lineterminator="\n")


def save_figure(figure: Figure, name: str, settings: Settings) -> None:
    """Write ``name.png`` and close the figure."""
    settings.results.mkdir(parents=True, exist_ok=True)
    # Without the date and version of the software the file depends on the drawing only.
    figure.savefig(settings.results / f"{name}.png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
