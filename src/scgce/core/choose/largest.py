"""The largest amounts of many pairs of groups: the compiled loop behind the cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_SCANNED = 32
"""Entries that are compared at once, in few instructions, before any is looked at."""

_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True)


@_jit
def _worse(size: Any, which: Any, a: int, b: int) -> bool:
    """Whether the entry in place a goes before that in place b: it is smaller, or its gene comes later."""
    return bool(size[a] < size[b] or (size[a] == size[b] and which[a] > which[b]))


@_jit
def _sink(size: Any, which: Any, place: int, n: int) -> None:
    """Restore the order of a heap whose root is what goes first, once ``place`` has changed."""
    while True:
        least, left = place, 2 * place + 1
        if left < n and _worse(size, which, left, least):
            least = left
        if left + 1 < n and _worse(size, which, left + 1, least):
            least = left + 1
        if least == place:
            return
        size[place], size[least] = size[least], size[place]
        which[place], which[least] = which[least], which[place]
        place = least


@_jit
def largest(basis: Any, sources: Any, targets: Any, k: int, genes: Any, amounts: Any, counts: Any) -> None:
    """The k largest of ``basis[target] - basis[source]`` that are not 0, for every pair of rows.

    ``basis`` is (l, d); into ``genes`` and ``amounts`` (P, k) go columns, ascending, and differences, into ``counts``
    (P,) how many there are. Among equal sizes the lower column is kept.
    """
    n_genes = basis.shape[1]
    size, which = np.empty(k, basis.dtype), np.empty(k, np.int64)
    for pair in range(len(sources)):
        a, b, n = basis[sources[pair]], basis[targets[pair]], 0
        floor = size.dtype.type(0)
        for start in range(0, n_genes, _SCANNED):
            stop = min(n_genes, start + _SCANNED)
            some = False
            for g in range(start, stop):
                some |= abs(b[g] - a[g]) > floor
            if not some:
                continue
            for g in range(start, stop):
                new = abs(b[g] - a[g])
                if new > floor:
                    if n < k:
                        size[n], which[n], n = new, g, n + 1
                        if n == k:
                            for place in range(k // 2 - 1, -1, -1):
                                _sink(size, which, place, k)
                    else:
                        size[0], which[0] = new, g
                        _sink(size, which, 0, k)
                    if n == k:
                        floor = size[0]
        kept = np.sort(which[:n])
        counts[pair] = n
        for place in range(n):
            genes[pair, place], amounts[pair, place] = kept[place], b[kept[place]] - a[kept[place]]
