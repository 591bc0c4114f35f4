"""Progress bars on stderr, silent when nobody watches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(iterable: Iterable[T] | None = None, *, total: int | None = None, desc: str | None = None) -> tqdm[T]:
    """Wrap an iterable (or count steps by hand with ``.update()``) in a progress bar.

    Parameters
    ----------
    iterable
        What to loop over; None to move the bar with ``update``.
    total
        Number of steps, where the iterable has no length.
    desc
        Text in front of the bar.

    Returns
    -------
    The bar, disabled when stderr is not a terminal; it is also a context manager.
    """
    return tqdm(iterable, total=total, desc=desc, disable=None, leave=False)
