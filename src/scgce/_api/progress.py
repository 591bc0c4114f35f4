"""Progress bars and words while something takes long: in a terminal and in Jupyter, silent when nobody watches."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

from tqdm import TqdmWarning, tqdm

T = TypeVar("T")

logger = logging.getLogger("scgce")

LONG = 3.0
"""Seconds after which the time that a call took is worth a line."""
_SCANPY_INFO = 2  # scanpy.settings.verbosity: 0 errors, 1 warnings, 2 information, …


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
    The bar; it is also a context manager. In Jupyter a widget (text without ipywidgets) that stays, with the time it
    took; in a terminal a line that vanishes; elsewhere nothing is shown.
    """
    if not _in_jupyter():
        return tqdm(iterable, total=total, desc=desc, disable=None, leave=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # that ipywidgets is missing: then the bar is text
        from tqdm.auto import tqdm as bar

    kind = _kept(bar) if _with_widgets() else bar
    return kind(iterable, total=total, desc=desc, leave=True)


def _with_widgets() -> bool:
    """Whether tqdm draws widgets: of these a saved notebook holds a text, written when they were shown, at 0 %."""
    from tqdm import notebook

    return notebook.IProgress is not None


@cache
def _kept(bar: type[tqdm[Any]]) -> type[tqdm[Any]]:
    """A bar of widgets whose text in the notebook is that of its end, for those who read it without the widgets."""
    from IPython.display import display

    class Kept(bar):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, display=False, **options)
            self.place = display(self.container, display_id=True)
            self.displayed = True

        def close(self) -> None:
            super().close()
            self.place.update(self.container)

    return Kept


def done(bar: tqdm[T]) -> None:
    """Show a bar as full: work may end before the most steps that it could take.

    Parameters
    ----------
    bar
        Of `progress`; without a total its steps so far become the total.
    """
    if bar.disable:
        return
    bar.total = max(bar.n, bar.total or 0)
    bar.update(bar.total - bar.n)
    bar.refresh()


def _in_jupyter() -> bool:
    """Whether a kernel runs this, whose stderr is no terminal though somebody watches."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


_SPEAKING: ContextVar[bool] = ContextVar("_SPEAKING", default=False)


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Say what happens in a public call, where scanpy's verbosity asks for information.

    Somebody who configured logging gets the lines there, and nothing is added. Who did not, but set
    ``scanpy.settings.verbosity`` to 2 or more, gets them on stderr while the call runs, as from scanpy's own tools.

    Parameters
    ----------
    name
        The function, for the line that says how long it took.
    """
    if _SPEAKING.get():  # a public function that calls another
        yield
        return
    token, before, handler = _SPEAKING.set(True), logger.level, None
    if not logger.isEnabledFor(logging.INFO) and _asked_for():
        handler = logging.StreamHandler(sys.stderr)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    started = time.perf_counter()
    try:
        yield
        seconds = time.perf_counter() - started
        if seconds > LONG:
            logger.info("%s: %.1f s", name, seconds)
    finally:
        _SPEAKING.reset(token)
        if handler is not None:
            logger.removeHandler(handler)
            logger.setLevel(before)


def _asked_for() -> bool:
    settings = getattr(sys.modules.get("scanpy"), "settings", None)
    return int(getattr(settings, "verbosity", 0)) >= _SCANPY_INFO
