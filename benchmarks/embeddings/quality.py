"""One row for every data set and method: the quality of the map, seconds, new cells, another seed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from scgce import tl

from . import scores
from .data import load, training_part
from .methods import METHODS, fit


def table(names: list[str], methods: list[str], folder: Path, file: Path, *, keep: bool) -> pd.DataFrame:
    """All rows; written to ``file`` one by one, and with ``keep`` those already there are not computed again."""
    rows = pd.read_csv(file).to_dict("records") if keep and file.exists() else []
    done = {(row["data"], row["method"]) for row in rows}
    for name in names:
        wanted = [method for method in methods if (name, method) not in done]
        if not wanted:
            continue
        adata = load(name, folder)
        part = training_part(adata)
        for method in wanted:
            rows.append({"data": name, "method": method, **_row(method, adata, part)})
            print(_line(rows[-1]), flush=True)
            write(pd.DataFrame(rows), file)
    return pd.DataFrame(rows)


def write(frame: pd.DataFrame, file: Path) -> None:
    """CSV with four decimals."""
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(file, index=False, float_format="%.4f", lineterminator="\n")


def _row(method: str, adata, part) -> dict[str, float]:
    labels = adata.obs["label"].astype(str).to_numpy()
    pca = adata.obsm["X_pca"]
    started = time.perf_counter(), time.process_time()
    Z, key = fit(method, adata)
    row = {"seconds": time.perf_counter() - started[0], "cpu_seconds": time.process_time() - started[1]}
    other, _ = fit(method, adata.copy(), seed=1)
    row |= {
        "trustworthiness": scores.trust(pca, Z),
        "label_accuracy": scores.label_accuracy(Z, labels),
        "global_structure": scores.global_structure(pca, Z, labels),
        "reseeded_cells": scores.shared_neighbours(Z, other),
        "reseeded_groups": scores.global_structure(Z, other, labels),
    }
    if "fidelity" in adata.uns.get(key, {}).get("encoder", {}):
        row["held_out_r2"] = adata.uns[key]["encoder"]["fidelity"].get("r2", np.nan)
    return row | (_new_cells(method, adata, part) if METHODS[method][1] else {})


def _new_cells(method: str, adata, part) -> dict[str, float]:
    """Accuracy of cells that took no part in the PCA, the graph or the training, beside that of those that did."""
    Z, key = fit(method, part)
    new = adata[adata.obs["held_out"].to_numpy()].copy()
    tl.embed_new(new, key=key, reference=part)
    labels, labels_new = (a.obs["label"].astype(str).to_numpy() for a in (part, new))
    return {
        "training_accuracy": scores.label_accuracy(Z, labels),
        "held_out_accuracy": scores.held_out_accuracy(Z, labels, new.obsm[key], labels_new),
    }


def _line(row: dict) -> str:
    return "  ".join(f"{k}={v:.3f}" if isinstance(v, float) else f"{v}" for k, v in row.items())
