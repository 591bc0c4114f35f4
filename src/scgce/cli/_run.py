"""One place where every error of a command becomes one line on stderr and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from ._errors import FAILED, INTERRUPTED, OK, TERMINATED, UNWRITABLE, USAGE, CommandError, Terminated

DEBUG = "--debug"


def run(arguments: Sequence[str]) -> int:
    """
    Run a command.

    Parameters
    ----------
    arguments
        What follows ``scgce`` on the command line.

    Returns
    -------
    Exit code, one of `scgce.cli._errors.EXIT_CODES`.
    """
    from ._app import app

    try:
        with _terminable():
            code = app(args=list(arguments), standalone_mode=False, prog_name="scgce")
            sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except Terminated:
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `scgce export … | head` is no error; nothing more can be written
        _drop_what_stdout_refuses()
        return OK
    except Exception as error:  # noqa: BLE001 (the outermost frame: whatever it is, the user gets one line)
        if DEBUG in arguments:
            traceback.print_exc()
        message, code = _explain(error)
        _drop_what_stdout_refuses()
        if message:
            sys.stderr.write(f"scgce: error: {message}\n")
        return code


def _drop_what_stdout_refuses() -> None:
    """Python would try again to write it on its way out, and end with another exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM unwinds the stack instead of ending the process at once."""
    if threading.current_thread() is not threading.main_thread():  # only it may set what signals do
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _explain(error: Exception) -> tuple[str, int]:
    """The line and the exit code."""
    if isinstance(error, CommandError):
        return _one_line(error), error.exit_code
    shown = getattr(error, "format_message", None)
    if shown is not None:  # errors of the argument parser, whichever package holds it
        code = int(getattr(error, "exit_code", USAGE))
        if type(error).__name__ == "NoArgsIsHelpError":  # `scgce` alone: its help is the message
            sys.stderr.write(f"{shown()}\n")
            return "", code
        return " ".join(str(shown()).split()) + " (--help lists the options)", code
    if type(error).__name__ == "Abort":
        return "", INTERRUPTED
    if isinstance(error, OSError):
        return _one_line(error), UNWRITABLE
    if isinstance(error, MemoryError):
        return f"out of memory: {_one_line(error) or 'the data do not fit'}", FAILED
    if isinstance(error, KeyError | ValueError | TypeError | ImportError):
        return _one_line(error), USAGE
    return f"unforeseen {type(error).__name__}: {_one_line(error)} (--debug shows where)", FAILED


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
