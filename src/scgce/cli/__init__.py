"""The command line, ``scgce``. Heavy packages are imported inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import NoReturn, TextIO


def main() -> NoReturn:
    """Run ``scgce`` with the arguments of the shell and end the process with its exit code."""
    from ._run import run

    for stream in (sys.stdout, sys.stderr):
        _speak_utf8(stream)
    sys.exit(run(sys.argv[1:]))


def _speak_utf8(stream: TextIO) -> None:
    """Files and pipes get UTF-8 wherever we are; a terminal that lacks a character shows another one."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
