"""One way to warn: at the line of the user's own code that led here.

A warning is for what the user should change or know before trusting a result; what merely happens is logged.
"""

from __future__ import annotations

import sys
import warnings

PACKAGE = __name__.partition(".")[0]


class QualityWarning(UserWarning):
    """A result that was computed as asked, and that should not be relied on as it is."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn with the place of the first frame outside the package.

    Parameters
    ----------
    message
        What is wrong, and what would mend it.
    category
        Class of the warning.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _inside(str(frame.f_globals.get("__name__", ""))):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _inside(module: str) -> bool:
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")
