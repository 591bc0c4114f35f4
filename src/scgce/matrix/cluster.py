"""Chunks of a dask array, worked on where they lie: what travels is a worker's answer, not its cells."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

_WAITING = 2
"""Chunks on their way for each thread of the workers: enough to keep them busy, and bounded."""


def client_of(X: Any) -> Any | None:
    """The ``distributed.Client`` that would compute X: the user's, unless another scheduler is configured."""
    distributed = sys.modules.get("distributed")
    if distributed is None or type(X).__module__.partition(".")[0] != "dask":
        return None
    import dask

    if dask.config.get("scheduler", None) not in {None, "distributed", "dask.distributed"}:
        return None
    try:
        return distributed.default_client()
    except ValueError:  # no client
        return None


def map_chunks(
    client: Any, X: Any, work: Callable[..., Any], rowwise: Sequence[np.ndarray] = (), shared: Sequence[Any] = ()
) -> Iterator[tuple[slice, Any]]:
    """``work(chunk, *rows of rowwise, *shared)`` of every chunk of rows, on the workers.

    Parameters
    ----------
    client
        From `client_of`.
    X
        Dask array (n, d) whose chunks span all columns.
    work
        A function of a module that the workers can import.
    rowwise
        Arrays of n rows; each task gets its own.
    shared
        Sent to every worker once.

    Yields
    ------
    The slice of rows and the answer, in the order of the rows.
    """
    from dask.delayed import delayed

    ends = np.cumsum(X.chunks[0])
    spans = [slice(int(end - size), int(end)) for size, end in zip(X.chunks[0], ends, strict=True)]
    tasks = [(span, chunk) for span, chunk in zip(spans, X.to_delayed()[:, 0], strict=True) if span.stop > span.start]
    there = client.scatter(list(shared), broadcast=True, hash=False) if shared else []
    most = _WAITING * max(1, sum(client.nthreads().values()))
    running: deque[tuple[slice, Any]] = deque()
    try:
        for span, chunk in tasks:
            if len(running) == most:
                done, future = running.popleft()
                yield done, future.result()
            mine = [rows[span] for rows in rowwise]
            running.append((span, client.compute(delayed(work, pure=False)(chunk, *mine, *there))))
        while running:
            done, future = running.popleft()
            yield done, future.result()
    finally:
        client.cancel([future for _, future in running])
