"""The command line, ``scgce``. Heavy packages are imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn, TextIO


def main() -> NoReturn:
    """Run ``scgce`` with the arguments of the shell and end the process with its exit code."""
    from ._errors import UNWRITABLE
    from ._run import run

    for stream in (sys.stdout, sys.stderr):
        _speak_utf8(stream)
    code = run(sys.argv[1:])
    if code == UNWRITABLE:
        # HDF5 tries again, on its way out, to write to a disk that is full, and crashes; Python does so with stdout.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _speak_utf8(stream: TextIO) -> None:
    """Files and pipes get UTF-8 wherever we are; a terminal that lacks a character shows another one."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
