"""The command line, ``scgce``. Heavy packages are imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run ``scgce`` with the arguments of the shell and end the process with its exit code."""
    from ._run import run

    sys.exit(run(sys.argv[1:]))
