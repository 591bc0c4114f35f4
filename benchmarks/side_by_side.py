"""Independent jobs side by side, a process of one thread each."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import pandas as pd

J, R = TypeVar("J"), TypeVar("R")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def side_by_side(
    work: Callable[[J], R], todo: Sequence[J], most: int, seconds: float = math.inf
) -> Iterator[tuple[J, R | None]]:
    """Every job with what it found, as it ends, or None if it failed or time was up.

    Every job is a process of its own, forked from one that has imported everything and run nothing, in which no thread
    waits; a job that dies takes no other along.
    """
    context, waiting, ends = multiprocessing.get_context("forkserver"), list(todo), time.monotonic() + seconds
    context.set_forkserver_preload([getattr(work, "func", work).__module__])  # of a partial its function's
    running: dict[Any, tuple[J, multiprocessing.process.BaseProcess, Path]] = {}
    with patch.dict(os.environ, dict.fromkeys(ONE_THREAD, "1")), tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job, file = waiting.pop(0), Path(folder) / f"{len(waiting)}.pkl"
                    process = context.Process(target=_write, args=(work, job, file))
                    process.start()
                    running[process.sentinel] = job, process, file
                left = max(0.0, ends - time.monotonic())
                ended = wait(list(running), left if math.isfinite(left) else None)
                for sentinel in ended:
                    job, process, file = running.pop(sentinel)
                    process.join()
                    yield job, pd.read_pickle(file) if process.exitcode == 0 else None
                if not ended:
                    yield from ((job, None) for job in [*(job for job, _, _ in running.values()), *waiting])
                    return
        finally:
            for _, process, _ in running.values():
                process.terminate()
                process.join()


def _write(work: Callable[[J], R], job: J, file: Path) -> None:
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    pd.to_pickle(work(job), file)
