"""The number of threads: fixed inside, restored afterwards, without influence on the translations."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
import torch
from tests._brief import brief

import scgce
from scgce._api.threads import one_thread


def test_threads_are_restored_also_after_an_error() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert torch.get_num_threads() == before


def test_translations_are_the_same_bytes_for_any_number_of_threads(blobs: ad.AnnData) -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 4):
            torch.set_num_threads(threads)
            scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=10, method="path", judges=False)
            found.append(blobs.uns["tgt"]["deltas"].copy())
    finally:
        torch.set_num_threads(before)
    assert found[0].any()
    np.testing.assert_array_equal(*found)


def digest() -> str:
    """Of an explanation's numbers."""
    adata = scgce.datasets.simulated_cells(150, 40, 3, rng=0)
    sc.pp.pca(adata, n_comps=8, random_state=0)
    adata.obsm["X_pca"] = adata.obsm["X_pca"].round(3)
    with brief():
        scgce.tl.tgt(adata, "group", use_rep="X_pca", sparsity=2, device="cpu")
    entry = adata.uns["tgt"]
    names = ("deltas", "correctness", "coverage", "judge_logreg", "judge_knn", "percent_explained")
    return hashlib.sha256(b"".join(entry[name].tobytes() for name in names)).hexdigest()


SCRIPT = """
import warnings
warnings.simplefilter("ignore")
import scgce, torch
from tests._api.test_threads import digest
print(digest())
torch.set_num_threads(3)
adata = scgce.datasets.simulated_cells(150, 40, 3, rng=0)
adata.varm["PCs"] = adata.X.toarray()[:8].T.copy()
adata.obsm["X_pca"] = (adata.X.toarray() - adata.X.mean(axis=0).A1) @ adata.varm["PCs"]
scgce.tl.marker_tests(adata, "group", use_rep="X_pca", sparsity=2, judges=False)
print(torch.get_num_threads())
"""


def test_the_same_bytes_with_one_thread_and_with_many() -> None:
    """This process has one, by `tests/_fixtures.py`."""
    several = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "2")
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | several,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    found, kept = run.stdout.split()
    assert torch.get_num_threads() == 1 and found == digest()
    assert kept == "3", "numba's pool, which scanpy starts, has as many threads as there are processors"
