"""Exit codes, and the errors that carry them."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
UNREADABLE = 3
UNWRITABLE = 4
INTERRUPTED = 130
TERMINATED = 143

EXIT_CODES = {
    OK: "done",
    FAILED: "something unforeseen (--debug shows where)",
    USAGE: "an argument, or a name that is not in the file",
    UNREADABLE: "the input cannot be read",
    UNWRITABLE: "the output cannot be written (disk full, no permission, same file as the input)",
    INTERRUPTED: "interrupted (Ctrl-C)",
    TERMINATED: "terminated",
}


class CommandError(Exception):
    """An error that ends the command with one line on stderr and an exit code."""

    exit_code = FAILED


class UsageError(CommandError):
    """An argument that cannot be used."""

    exit_code = USAGE


class ReadError(CommandError):
    """An input that cannot be read."""

    exit_code = UNREADABLE


class WriteError(CommandError):
    """An output that cannot be written."""

    exit_code = UNWRITABLE


class Terminated(BaseException):
    """SIGTERM: unwinds the stack like Ctrl-C, so that temporary files are removed."""
