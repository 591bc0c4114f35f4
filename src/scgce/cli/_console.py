"""Messages and warnings on stderr, one line each; stdout is for data."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOGGER = "scgce"


@contextmanager
def console(*, quiet: bool, debug: bool) -> Iterator[None]:
    """
    Send the package's log and Python's warnings to stderr while a command runs.

    Parameters
    ----------
    quiet
        Only errors.
    debug
        Also debug messages, and the warnings of other packages about their future.
    """
    logger = logging.getLogger(LOGGER)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("scgce: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.ERROR if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show
            if quiet:
                warnings.simplefilter("ignore")
            elif not debug:
                warnings.simplefilter("ignore", FutureWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def _show(message: Warning | str, category: type[Warning], *_place: Any, **_more: Any) -> None:
    sys.stderr.write(f"scgce: {category.__name__}: {' '.join(str(message).split())}\n")
