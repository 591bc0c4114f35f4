"""The speed benchmarks: that they measure what they say, on a small scale."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.speed import gpu, libraries, memory, scaling, where  # noqa: E402
from benchmarks.speed.cells import encoder_of, many_cells, some_cells  # noqa: E402
from benchmarks.speed.machine import spent  # noqa: E402

from scgce import tl  # noqa: E402


@pytest.fixture(scope="module")
def some():
    return some_cells(60, 3, 300)


def test_the_slope_is_the_power(some) -> None:
    n = np.array([10, 100, 1000])
    table = pd.DataFrame({"axis": "cells", "method": "path", "cells": n, "seconds": 9.0})
    table["processor_seconds"] = 0.1 * n**1.5
    found = scaling.slopes(table).iloc[0]
    assert [found[name] for name in ("slope", "last_step", "steepest_step")] == pytest.approx([1.5] * 3)


def test_blocks_make_as_many_cells_as_asked_for(some) -> None:
    adata = many_cells(some, 700)
    assert adata.shape == (700, 60) and adata.obs["group"].nunique() == 3
    assert adata.obs["group"].tolist() == [*some.obs["group"], *some.obs["group"], *some.obs["group"][:100]]
    assert (adata.X[:300] != adata.X[300:600]).nnz > 0, "no two blocks are the same"
    assert adata.X[:300].nnz == pytest.approx(0.9 * some.X.nnz, rel=0.05)


def test_stages_are_found_and_within_the_whole() -> None:
    few = some_cells(30, 3, 150)  # of so few genes consistent solutions are refined as well
    encoder = encoder_of(few)
    found = where.profiled(lambda: tl.tgt(few, "group", encoder=encoder, sparsity=2, min_cells=1, device="cpu"))
    assert all(found.values()), found
    outer = sum(found[stage] for stage in where.STAGES if not stage.startswith("of it"))
    assert outer <= found["all"] + 0.01  # the profiler's own time counts as that of whom it calls, not of the whole


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux")
def test_the_peak_is_that_of_the_call() -> None:
    ones, found = spent(lambda: np.ones(20_000_000))
    assert 0.15 < found.more_GB < 0.25
    del ones
    _, later = spent(lambda: None)
    assert later.peak_GB < found.peak_GB - 0.1


def test_cells_on_disk_are_those_in_memory(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(memory, "SWEEP", [3])
    size = memory.write(tmp_path, 900, 40, 3)
    whole, lazy, backed = (memory.read(tmp_path / "cells.h5ad", way) for way in ("in memory", "dask", "backed"))
    assert size == pytest.approx((whole.X.data.nbytes + whole.X.indices.nbytes + 4 * 901) / 1e9)
    np.testing.assert_array_equal(lazy.X.compute().toarray(), whole.X.toarray())
    np.testing.assert_array_equal(backed.X[:].toarray(), whole.X.toarray())
    sums = [memory.measure(tmp_path, way)["sum_of_amounts"] for way in memory.WAYS]
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-4) and sums[0] > 0


def test_two_devices_are_compared_gene_by_gene(some) -> None:
    some, encoder = some.copy(), encoder_of(some)
    for key in ("one", "other"):
        tl.tgt(some, "group", encoder=encoder, sparsity=2, method="path", device="cpu", key_added=key)
    assert gpu.agreement(some, "one", "other") == {"same_genes": 1.0, "largest_difference": 0.0}
    moved = some.uns["other"]["deltas"]
    gene = np.flatnonzero(moved.any(axis=0))[0]
    moved[:, gene] = 0.0
    found = gpu.agreement(some, "one", "other")
    assert found["same_genes"] < 1.0 and found["largest_difference"] > 0.0


def test_our_own_is_timed_beside_what_does_the_same() -> None:
    """The ratio is of the two times; and both vote alike."""
    for row in libraries.ours_beside(quick=True):
        assert row["s"] > 0 and row["ratio"] == row["s"] / row["s_beside"]
    ours, theirs = libraries.votes(True, 0.5)
    np.testing.assert_array_equal(ours().numpy(), theirs())
