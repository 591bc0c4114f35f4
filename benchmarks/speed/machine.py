"""What a figure was measured on, and how."""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

import anndata as ad
import pandas as pd
import torch

from benchmarks._run import quiet, write

T = TypeVar("T")
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("scgce", "torch", "numpy", "scipy", "scanpy", "anndata", "scikit-learn", "numba", "illico")
SWEEP = [1, 2, 5, 10, 20, 50]


def command(text: str | None) -> argparse.ArgumentParser:
    """The command line of a benchmark, which runs without warnings."""
    quiet()
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is kept")
    return parser


def describe() -> str:
    """Processor, threads and versions, one line each."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = f"{names[0]} x {len(names)}" if names else model
    if torch.cuda.is_available():
        model += f", {torch.cuda.get_device_name()}"
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{model}; torch threads {torch.get_num_threads()}; Python {platform.python_version()}; {', '.join(found)}"


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


@contextmanager
def peak_memory() -> Iterator[dict[str, float]]:
    """Resident bytes of this process before the block, and their peak within it (Linux)."""
    found: dict[str, float] = {"before": _status("VmRSS")}
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    yield found
    found["peak"] = _status("VmHWM")
    found["more_GB"] = (found["peak"] - found["before"]) / 1e9


def size_of(adata: ad.AnnData) -> float:
    """GB of a sparse X."""
    X = adata.X
    return (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e9


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(float(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
