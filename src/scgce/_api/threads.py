"""How many threads small work may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch and the BLAS of numpy and scipy compute on one thread inside, and as before afterwards.

    The solver's and the scores' matrices are small: starting threads for a product of 85 × 50 numbers costs more than
    it brings (`tl.tgt` of 18 groups in 50 dimensions took 15 s with the default threads and 10 s with one), above all
    where cores are shared. And sums do not depend on how many threads there are. Reads of X are not inside.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
