"""Processes of a command that need not import everything anew: forked from one that has, with their own streams.

Run as a script it is that process, with ``module:function`` of the command and what else to import as arguments: it
takes one order a message from the socket on standard input. Linux only.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

ORDER = 1 << 16


class Started:
    """A process of the command."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.pid = int(link.recv(ORDER))

    def wait(self) -> int:
        """Its exit code; minus the number of the signal that ended it."""
        return int(self._link.recv(ORDER))


class Server:
    """The process that has imported everything."""

    def __init__(self, *modules: str, environment: dict[str, str]) -> None:
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.settimeout(300)
        with theirs:
            self._process = subprocess.Popen([sys.executable, __file__, *modules], stdin=theirs, env=environment)

    def start(self, arguments: tuple[object, ...], streams: tuple[IO[Any] | int, ...], first: str = "") -> Started:
        """
        Start the command.

        Parameters
        ----------
        arguments
            Of the command line.
        streams
            Standard input, output and error.
        first
            Python run in the new process before the command.
        """
        order = json.dumps([[str(argument) for argument in arguments], first]).encode()
        numbers = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
        socket.send_fds(self._link, [order], numbers)
        return Started(self._link)

    def close(self) -> None:
        self._link.close()
        self._process.wait(timeout=60)


def _serve(link: socket.socket) -> None:
    """Fork a process for every order; in that process return, with its arguments in place."""
    while True:
        order, streams, *_ = socket.recv_fds(link, ORDER, 3)
        if not order:
            os._exit(0)
        pid = os.fork()
        if not pid:
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            link.close()
            # What Python has found out of its streams at its start does not hold for these.
            sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
            sys.stderr = sys.__stderr__ = os.fdopen(2, "w", buffering=1, closefd=False)
            sys.argv[1:], first = json.loads(order)
            exec(first, {})
            return
        for stream in streams:
            os.close(stream)
        with suppress(BrokenPipeError):  # nobody waits any more
            link.send(str(pid).encode())
            link.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    for other in (module, *sys.argv[2:]):
        import_module(other)
    gc.freeze()  # what was imported is never looked through: not by a process that ends either, which would copy it
    _serve(socket.socket(fileno=os.dup(0)))
    getattr(sys.modules[module], name)()
