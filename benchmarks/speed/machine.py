"""What a figure was measured on, and how."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple, TypeVar

import anndata as ad
import pandas as pd
import torch

from benchmarks._run import write

T = TypeVar("T")
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("scgce", "torch", "numpy", "scipy", "scanpy", "anndata", "scikit-learn", "numba", "illico")
SWEEP = [1, 2, 5, 10, 20, 50]


def describe() -> str:
    """Processor, threads and versions, in one line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    model = f"{models[0]} x {len(models)}" if models else platform.processor()
    if torch.cuda.is_available():
        model += f", {torch.cuda.get_device_name()}"
    installed = {package.name: package.version for package in distributions()}
    versions = ", ".join(f"{name} {installed[name]}" for name in PACKAGES if name in installed)
    return f"{model}; torch threads {torch.get_num_threads()}; Python {platform.python_version()}; {versions}"


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work returns, and the seconds it took."""
    start = time.perf_counter()
    value = work()
    return value, time.perf_counter() - start


def publish(frame: pd.DataFrame, name: str, quick: bool) -> None:
    """Print a table; keep it as CSV unless the run was a quick one."""
    print(describe())
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    if not quick:
        write(frame, RESULTS / f"{name}.csv", ".5g")
        (RESULTS / f"{name}.txt").write_text(describe() + "\n")


class Spent(NamedTuple):
    """What a call took: seconds of clock and processor, the peak of resident memory, and by how much it grew."""

    seconds: float
    processor: float
    peak_GB: float
    more_GB: float


def spent(work: Callable[[], T]) -> tuple[T, Spent]:
    """What the work returns, and what it took (Linux)."""
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    processor = time.process_time()
    value, seconds = timed(work)
    peak = _status("VmHWM")
    return value, Spent(seconds, time.process_time() - processor, peak / 1e9, (peak - before) / 1e9)


def size_of(adata: ad.AnnData) -> float:
    """GB of a sparse X."""
    X = adata.X
    return (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e9


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(float(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
