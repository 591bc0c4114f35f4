"""What is interrupted or runs out of something loses nothing: the AnnData and the files stay as they were."""

from __future__ import annotations

import errno
import gc
import logging
import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from tests.contract._api import call, tiny
from tests.tl._frozen import frozen

import scgce
from scgce.core.score.memory import by_blocks

dask, da = pytest.importorskip("dask"), pytest.importorskip("dask.array")

BASELINES = ["tl.dbm", "tl.random_genes", "tl.marker_tests"]
BASIC = ["tl.tgt", "tl.lasso", "tl.integrated_gradients", *BASELINES]
AGAIN = ["tl.evaluate", "tl.evidence", "tl.stability", "tl.lineages"]
EMBED = ["tl.scvis", "tl.autoencoder", "tl.umap_loss", "tl.distill"]

# A function of every phase of the tools' work, by module: reading, resolving, fitting, scoring, storing.
PHASES: dict[str, tuple[str, str, list[str]]] = {
    "groups": ("scgce._api.groups", "read_groups", [*BASIC, *AGAIN]),
    "check of the matrix": ("scgce.matrix.arrays", "check_matrix", [*BASIC, *AGAIN, *EMBED]),
    "blocks of the matrix": ("scgce.matrix.holders", "_load", [*BASIC, *AGAIN, *EMBED, "tl.embed_new"]),
    "encoder": ("scgce.encoders._resolve", "resolve", [*BASIC, *AGAIN]),
    "path": ("scgce.explain.fit", "material", ["tl.tgt", "tl.stability"]),
    "scores": ("scgce.core.score.metrics", "score_pairs", ["tl.tgt", *BASELINES, "tl.evaluate", "tl.lineages"]),
    "judges": ("scgce.explain.judges", "fit_judges", ["tl.tgt", *BASELINES, "tl.evaluate", "tl.lineages"]),
    "training": ("scgce.encoders._loop", "progress", ["tl.scvis", "tl.autoencoder", "tl.umap_loss"]),
    "storing": (
        "scgce.store.entries",
        "_check_storable",
        ["tl.dbm", "tl.evaluate", "tl.lineages", *EMBED, "tl.embed_new"],
    ),
}


@pytest.mark.parametrize("phase", PHASES)
def test_an_interruption_in_any_phase_leaves_the_anndata_as_it_was(
    results: ad.AnnData, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, tools = PHASES[phase]
    reached = []

    def interrupt(*_: Any, **__: Any) -> None:
        reached.append(phase)
        raise KeyboardInterrupt

    __import__(module)
    monkeypatch.setattr("scgce.explain.judges._kept", OrderedDict())  # judges fitted before would not be fitted again
    assert hasattr(sys.modules[module], name), f"{module}.{name} is no more; name another function of this phase"
    for loaded in [loaded for key, loaded in sys.modules.items() if key.startswith("scgce")]:
        if getattr(loaded, name, None) is getattr(sys.modules[module], name) and loaded is not sys.modules[module]:
            monkeypatch.setattr(loaded, name, interrupt)
    monkeypatch.setattr(sys.modules[module], name, interrupt)
    interrupted = 0
    for tool in tools:
        adata, before = results.copy(), frozen(results)
        with pytest.raises(KeyboardInterrupt):
            call(tool, adata)
        interrupted += bool(reached)
        assert frozen(adata) == before, tool
    assert interrupted == len(tools)


@pytest.mark.parametrize("error", [RuntimeError("the worker died"), MemoryError()])
def test_a_chunk_that_cannot_be_computed_is_an_error_and_leaves_everything(error: Exception) -> None:
    adata = tiny()
    dense = adata.X.toarray()

    def chunk(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info and block_info[0]["chunk-location"][0] == 2:
            raise error
        return block

    adata.X = da.from_array(dense, chunks=(18, 12)).map_blocks(chunk, dtype=dense.dtype, meta=np.empty((0, 0)))
    slots = frozen(adata.obs), frozen(adata.uns), frozen(dict(adata.obsm))
    with dask.config.set(scheduler="threads", num_workers=1), pytest.raises(type(error)):
        call("tl.tgt", adata)
    assert (frozen(adata.obs), frozen(adata.uns), frozen(dict(adata.obsm))) == slots


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_worker_is_an_error_and_leaves_everything() -> None:
    distributed = pytest.importorskip("distributed")
    adata = tiny()

    def kill(block: np.ndarray) -> np.ndarray:
        import os

        if block.size:
            os._exit(1)
        return block

    adata.X = da.from_array(adata.X.toarray(), chunks=(18, 12)).map_blocks(kill, dtype=np.float32)
    slots = frozen(adata.obs), frozen(adata.uns), frozen(dict(adata.obsm))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.nanny.environ": {}}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
        pytest.raises(distributed.KilledWorker),
    ):
        call("tl.tgt", adata)
    assert (frozen(adata.obs), frozen(adata.uns), frozen(dict(adata.obsm))) == slots


# --- memory of the device -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 3, 5, 100])
def test_blocks_shrink_until_they_fit(most: int, caplog: pytest.LogCaptureFixture) -> None:
    def run(rows: slice) -> list[int]:
        if rows.stop - rows.start > most:
            raise torch.cuda.OutOfMemoryError("no memory")
        return list(range(rows.start, rows.stop))

    with caplog.at_level(logging.WARNING, "scgce"):
        found = by_blocks(run, 3, 40, 20)
    assert [row for rows in found for row in rows] == list(range(3, 40))
    assert ("out of memory on the device" in caplog.text) == (most < 20)
    assert len(found) == 2 if most == 100 else len(found) > 2


def test_a_row_that_never_fits_is_an_error() -> None:
    def run(_: slice) -> None:
        raise torch.cuda.OutOfMemoryError("no memory")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        by_blocks(run, 0, 8, 8)
    assert by_blocks(run, 0, 0, 8) == []


def test_too_little_memory_on_the_device_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from scgce.core.score.translator import Translator

    whole, small = tiny(), tiny()
    call("tl.dbm", whole, judges=False)
    translate, refused = Translator.translate, []

    def little(self: Any, rows: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(rows, slice) and rows.stop - rows.start > 4:
            refused.append(rows)
            raise torch.cuda.OutOfMemoryError("no memory")
        return translate(self, rows, *args, **kwargs)

    monkeypatch.setattr(Translator, "translate", little)
    call("tl.dbm", small, judges=False)  # judges compute on the CPU
    assert refused and "out of memory on the device" in caplog.text
    for field in ("deltas", "correctness", "coverage", "epsilon"):
        np.testing.assert_array_equal(small.uns["dbm"][field], whole.uns["dbm"][field])


# --- disk and soak --------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_old_report(
    results: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")

    def full(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        scgce.report(results, page)
    assert page.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.long
@pytest.mark.usefixtures("traced")
def test_memory_stays_flat_over_hundreds_of_fits() -> None:
    adata, sizes = tiny(), []
    for repeat in range(300):
        for name, options in (("tl.tgt", {"method": "truncate", "sparsity": 2, "judges": False}), ("tl.dbm", {})):
            call(name, adata, **options)
        if repeat % 50 == 49:
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    assert max(sizes[1:]) < sizes[0] + 2**20, f"bytes held after every 50 rounds: {sizes}"
