"""Independent repetitions side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

J = TypeVar("J")
R = TypeVar("R")


def side_by_side(work: Callable[[J], R], jobs: Iterable[J], n_jobs: int | None) -> Iterator[R]:
    """What the work returns for every job, in their order.

    Parameters
    ----------
    work
        Called in another process where there are several; what it holds is sent there, large arrays as a file that
        all of them read.
    jobs
        Its arguments.
    n_jobs
        Processes, -1 for as many as there are processors; None: as scanpy is set.
    """
    if n_jobs is None:
        n_jobs = int(getattr(getattr(sys.modules.get("scanpy"), "settings", None), "n_jobs", 1))
    if n_jobs == 1:
        yield from map(work, jobs)
        return
    from joblib import Parallel, delayed

    # pages are copied when they are written: kernels are compiled for arrays that may be
    run = Parallel(n_jobs=n_jobs, return_as="generator", mmap_mode="c")
    yield from run(delayed(work)(job) for job in jobs)
