"""What a step costs, and what 27,500 cells cost, beside a full-batch t-SNE."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import torch
from sklearn.manifold import TSNE

from scgce.embedding.batches import Rows
from scgce.embedding.scvis import ScvisLoss, fit_scvis
from scgce.encoders._loop import Schedule

N_CELLS, N_PCS = 27_500, 100


def cells(n_cells: int, n_pcs: int = N_PCS) -> np.ndarray:
    """Scores of ``n_cells`` in 26 groups whose spread falls along the components, as a PCA's does."""
    rng = np.random.default_rng(0)
    spread = 10.0 / np.sqrt(1.0 + np.arange(n_pcs))
    centres = rng.normal(size=(26, n_pcs)) * spread
    return (centres[rng.integers(0, 26, n_cells)] + rng.normal(size=(n_cells, n_pcs)) * 0.4 * spread).astype(np.float32)


def scvis_seconds(n_cells: int, steps: int) -> float:
    """Wall seconds of ``steps`` mini-batches of 512 at the defaults."""
    rows = Rows(cells(n_cells), torch.device("cpu"))
    started = time.perf_counter()
    fit_scvis(
        rows,
        2,
        ScvisLoss(),
        Schedule(steps, 0.01, 1e-3),
        batch_size=512,
        held_out=0.0,
        rng=np.random.default_rng(0),
    )
    return time.perf_counter() - started


def tsne_seconds(n_cells: int, steps: int) -> float:
    """Wall seconds of scikit-learn's t-SNE (Barnes-Hut, all cells in every step)."""
    X = cells(n_cells)
    started = time.perf_counter()
    TSNE(max_iter=steps, n_jobs=torch.get_num_threads(), random_state=0, init="pca").fit_transform(X)
    return time.perf_counter() - started


def table(steps: int = 500) -> pd.DataFrame:
    """Seconds for every 1,000 steps; the whole default fit is 3,000 steps."""
    scvis_seconds(2_000, 20)  # the first call pays for torch's start
    rows = []
    for n_cells in (2_750, N_CELLS, 10 * N_CELLS):
        per_step = scvis_seconds(n_cells, steps) / steps
        rows.append({"method": "scvis", "n_cells": n_cells, "seconds_per_1000_steps": 1000 * per_step})
    # 250 steps are scikit-learn's least; the difference of two runs leaves out the neighbour search.
    short, long = tsne_seconds(N_CELLS, 250), tsne_seconds(N_CELLS, 350)
    rows.append({"method": "t-SNE (scikit-learn)", "n_cells": N_CELLS, "seconds_per_1000_steps": 10 * (long - short)})
    frame = pd.DataFrame(rows)
    frame["threads"] = torch.get_num_threads()
    return frame
