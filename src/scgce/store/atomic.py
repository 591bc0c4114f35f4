"""Files that are there complete, or as they were before."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STEP = 0.02
"""Seconds between two looks."""
QUIET = 0.5
"""Seconds without a new entry after which the writer of a failed folder counts as done."""
PATIENCE = 10.0
"""Seconds after which a folder that somebody still writes to is left."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Give a temporary name beside ``path`` to write a file or folder to.

    On success it takes the place of ``path`` in one step (an old folder is first moved aside); on any error, also an
    interruption, it is removed and ``path`` is as it was.

    Parameters
    ----------
    path
        Where the result belongs; its folder must exist.

    Raises
    ------
    OSError
        If the operating system refuses (disk full, no permission).
    """
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}.part{path.suffix}"
    try:
        yield temporary
        _move(temporary, path)
    except BaseException as error:
        _remove_for_good(temporary)
        _name_the_place(error, temporary, path)
        raise


def _name_the_place(error: BaseException, temporary: Path, path: Path) -> None:
    """Let a message show the path that the user gave; writers know the temporary one only."""
    shown = {str(temporary): str(path), temporary.name: path.name}

    def told(value: object) -> object:
        for hidden, given in shown.items():
            value = value.replace(hidden, given) if isinstance(value, str) else value
        return value

    error.args = tuple(told(value) for value in error.args)
    if isinstance(error, OSError) and error.filename is not None:
        error.filename = told(os.fspath(error.filename))


def _move(temporary: Path, path: Path) -> None:
    if temporary.is_file():
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        return
    aside = temporary.with_name(temporary.name + ".old")
    if path.exists():  # a folder cannot be replaced in one step
        path.replace(aside)
    try:
        temporary.replace(path)
    except OSError:
        if aside.exists():
            aside.replace(path)
        raise
    _remove(aside)


def _remove_for_good(path: Path) -> None:
    """Remove what a failed writer left; zarr's threads go on after an error, and make their folder again."""
    if not path.is_dir():
        _remove(path)
        return
    waited = seen = 0.0
    while waited < PATIENCE and waited - seen < QUIET:
        if path.exists():
            _remove(path)
            seen = waited
        time.sleep(STEP)
        waited += STEP


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
