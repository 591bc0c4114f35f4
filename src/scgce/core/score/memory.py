"""Work done block by block, in smaller blocks where the device's memory is too small."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")
logger = logging.getLogger("scgce")


def by_blocks(run: Callable[[slice], T], start: int, stop: int, step: int) -> list[T]:
    """Run over ``start`` … ``stop`` in blocks of at most ``step``; what each block gave, in order.

    A block that the device has no memory for is halved, and so are those after it. Whether rows are computed in
    larger or smaller blocks changes their values at most by the rounding of a product.

    Parameters
    ----------
    run
        What is done with a block; must bear being repeated.
    start, stop, step
        As of `range`; ``step`` at least 1.

    Raises
    ------
    torch.cuda.OutOfMemoryError
        If a single row is too much.
    """
    found = []
    while start < stop:
        rows = slice(start, min(stop, start + step))
        try:
            found.append(run(rows))
        except torch.cuda.OutOfMemoryError:
            if rows.stop - rows.start <= 1:
                raise
            step = (rows.stop - rows.start) // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            logger.warning("out of memory on the device: going on with blocks of %d instead of %d rows", step, 2 * step)
            continue
        start = rows.stop
    return found
