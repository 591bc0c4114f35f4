"""The command line, ``scgce``. Heavy packages are imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run ``scgce`` with the arguments of the shell and end the process with its exit code."""
    from ._errors import UNWRITABLE
    from ._run import run

    code = run(sys.argv[1:])
    if code == UNWRITABLE:
        # HDF5 tries again, on its way out, to write to a disk that is full, and crashes.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
