"""Commands run in this process (quick) or as a process of their own (what a shell sees)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

import anndata as ad
import pytest
from tests._results import blobs as ring
from tests._results import store_result
from tests._server import Server

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


ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


class Start(Protocol):
    """Start a command as a process of its own, whose streams are files; ``first`` is Python that it runs before."""

    def __call__(self, *arguments: object, stdout: IO[Any], stderr: IO[Any], first: str = "") -> Process: ...


class Process(Protocol):
    """What was started."""

    pid: int

    def wait(self) -> int: ...


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Linux forks it from a process that has imported everything, which takes seconds."""

    def start_anew(*arguments: object, stdout: IO[Any], stderr: IO[Any], first: str = "") -> Process:
        line = [sys.executable, "-c", f"{first}\nfrom scgce.cli import main; main()", *map(str, arguments)]
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=ENVIRONMENT)

    if sys.platform != "linux":
        yield start_anew
        return
    modules = ("scgce.cli._app", "scgce.tl", "scgce.get", "scgce.pl", "torch._dynamo")  # the last by optimisers
    server = Server("scgce.cli:main", *modules, environment=ENVIRONMENT)

    def fork(*arguments: object, stdout: IO[Any], stderr: IO[Any], first: str = "") -> Process:
        with open(os.devnull) as nothing:
            return server.start(arguments, (nothing, stdout, stderr), first)

    yield fork
    server.close()


@pytest.fixture
def shell(start: Start) -> Callable[..., Outcome]:
    """Run a command as a process of its own."""

    def run_there(*arguments: object, first: str = "", stdout: IO[Any] | None = None) -> Outcome:
        with TemporaryFile("w+", encoding="utf-8") as out, TemporaryFile("w+", encoding="utf-8") as err:
            code = start(*arguments, stdout=stdout or out, stderr=err, first=first).wait()
            out.seek(0)
            err.seek(0)
            return Outcome(code, out.read(), err.read())

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
