"""Commands run in this process (quick) or as a process of their own (what a shell sees)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import pytest
from tests._results import blobs as ring
from tests._results import store_result

from scgce.cli._run import run


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def run_here(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_here


def command_line(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "scgce", *(str(argument) for argument in arguments)]


ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


@pytest.fixture
def shell() -> Callable[..., Outcome]:
    """Run a command as a process of its own."""

    def run_there(*arguments: object, **options: object) -> Outcome:
        done = subprocess.run(
            command_line(*arguments), capture_output=True, text=True, timeout=300, env=ENVIRONMENT, **options
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run_there


@pytest.fixture
def explained() -> ad.AnnData:
    """Four groups with a stored result."""
    return store_result(ring())


@pytest.fixture
def explained_file(explained: ad.AnnData, tmp_path: Path) -> Path:
    path = tmp_path / "explained.h5ad"
    explained.write_h5ad(path)
    return path


@pytest.fixture
def cells_file(blobs: ad.AnnData, tmp_path: Path) -> Path:
    """Cells with a PCA, not yet explained."""
    path = tmp_path / "cells.h5ad"
    blobs.write_h5ad(path)
    return path


QUICK = ("--groupby", "group", "--use-rep", "X_pca", "--sparsity", "3,6", "--method", "truncate", "--no-judges")
