"""What a GPU computes is what the CPU computes: every public function that takes a device, on both.

Where there is no GPU, a pretended one stands for it, which refuses to mix its tensors with those of the CPU.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
import torch
from tests._pretend_gpu import pretended
from tests.contract._api import TABLE, VARIANTS, at_hand, call, function, tiny

import scgce

DEVICE = "cuda"
SLOW_HERE = [] if torch.cuda.is_available() else [pytest.mark.slow]
"""The pretended device takes its time."""
N_CELLS = 240 if torch.cuda.is_available() else 90
"""The means of more tell how good an explanation is; the pretended device has the CPU's numbers on any."""
# Training draws other numbers on another device: these are compared by what they are for, below.
TRAINED = {"tl.scvis", "tl.autoencoder", "tl.umap_loss", "tl.distill"}
ON_A_DEVICE = sorted(name for name in at_hand(TABLE) if "device" in inspect.signature(function(name)).parameters)


GPU = pytest.param(
    "real",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")],
)


@pytest.fixture(params=["pretended", GPU])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A CUDA device."""
    if request.param == "pretended":
        with pretended(monkeypatch):
            yield DEVICE
    else:
        yield DEVICE


@pytest.fixture(scope="module")
def ready() -> ad.AnnData:
    """Tiny data on which every tool that another needs has run, on the CPU."""
    adata = tiny()
    call("tl.tgt", adata, device="cpu", sparsity=2)
    call("tl.autoencoder", adata, device="cpu")
    return adata


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    """Simulated cells × 40 genes in 3 groups, with PCA and a map that no known function computes."""
    adata = scgce.datasets.simulated_cells(N_CELLS, 40, 3, rng=1)
    sc.pp.pca(adata, n_comps=10)
    scgce.tl.autoencoder(adata, n_epochs=10, rng=0, device="cpu")
    Z = np.asarray(adata.obsm["X_autoencoder"], dtype=np.float64)[:, :2]
    adata.obsm["X_map"] = np.tanh(Z / Z.std(axis=0))
    return adata


@pytest.fixture(scope="module")
def many_genes() -> ad.AnnData:
    """So many that refinement descends once, and in half the steps."""
    adata = scgce.datasets.simulated_cells(N_CELLS, 700, 6, rng=1)
    sc.pp.pca(adata, n_comps=10)
    return adata


def assert_close(found: Any, wanted: Any, where: str) -> None:
    """Nested results: text and shapes are the same, numbers up to float32 sums in another order.

    On a GPU these sums begin descents and paths that end where rounding takes them; the pretended one has the CPU's.
    """
    if hasattr(wanted, "items"):
        assert set(found) == set(wanted), where
        for key in wanted:
            if key not in {"device", "seconds", "created"}:
                assert_close(found[key], wanted[key], f"{where}[{key!r}]")
        return
    one, other = (np.asarray(x.toarray() if hasattr(x, "toarray") else x) for x in (found, wanted))
    if other.dtype.kind == "f":
        largest = np.abs(other[np.isfinite(other)]).max(initial=1e-3)
        share = 1e-3 if torch.cuda.is_available() else 2e-5
        np.testing.assert_allclose(one, other, rtol=0, atol=share * largest, err_msg=where)
    else:
        assert one.shape == other.shape, where


@pytest.mark.parametrize("name", [name for name in ON_A_DEVICE if name not in TRAINED])
def test_the_same_on_both(name: str, ready: ad.AnnData, gpu: str) -> None:
    there, here = ready.copy(), ready.copy()
    options = {"sparsity": 2} if name == "tl.tgt" else {}  # a path to richer explanations repeats what it does
    call(name, there, device=gpu, **options)
    call(name, here, device="cpu", **options)
    for place in TABLE[name].writes:
        slot, _, key = place.partition("/")
        if slot in {"uns", "obsm", "varm"}:
            assert_close(getattr(there, slot)[key], getattr(here, slot)[key], f"{name}: {place}")


@pytest.mark.parametrize("name", sorted(TRAINED & set(ON_A_DEVICE)))
def test_training_there_gives_numbers(name: str, gpu: str) -> None:
    adata = tiny()
    call(name, adata, device=gpu)
    (place,) = [place for place in TABLE[name].writes if place.startswith("obsm/")]
    assert np.isfinite(np.asarray(adata.obsm[place.removeprefix("obsm/")])).all()


@pytest.mark.parametrize(
    "options",
    [
        {"use_rep": "X_pca", "method": "truncate"},
        {"use_rep": "X_pca", "method": "refine", "sparsity": [30], "on": "many_genes"},
        pytest.param({"use_rep": "X_pca", "method": "refine", "clip": None, "amplitude": None}, marks=SLOW_HERE),
        pytest.param({"use_rep": "X_map", "method": "refine"}, marks=SLOW_HERE),
        pytest.param({"use_rep": "X_pca", "programs": "profile"}, marks=SLOW_HERE),  # its numbers are compared below
    ],
    ids=["truncate", "refine", "as-published", "student", "programmes"],
)
def test_explanations_are_as_good(options: dict[str, Any], cells: ad.AnnData, many_genes: ad.AnnData, gpu: str) -> None:
    options, found = dict(options), {}
    cells = many_genes if options.pop("on", "") else cells
    for device in (gpu, "cpu"):
        scgce.tl.tgt(cells, "group", device=device, key_added=device, **{"sparsity": [3], **options})
        found[device] = scgce.get.metrics(cells, key=device)[["correctness", "coverage"]].to_numpy().mean()
    assert abs(found[gpu] - found["cpu"]) < 0.05, found


def test_programmes_of_the_table(ready: ad.AnnData, gpu: str) -> None:
    there, here = ready.copy(), ready.copy()
    name = "tl.tgt in programmes"
    call(name, there, device=gpu)
    call(name, here, device="cpu")
    key = VARIANTS[name].options["key_added"]
    assert_close(there.uns[key], here.uns[key], name)


def test_what_follows_reads_a_result_made_there(gpu: str) -> None:
    adata = tiny()
    for name in ("tl.tgt", "tl.evaluate", "tl.evidence", "tl.stability"):
        call(name, adata, device=gpu, **({"sparsity": 2} if name == "tl.tgt" else {}))
    frame = call("get.explanation", adata)
    assert len(frame)
    assert np.isfinite(frame["delta"]).all()
