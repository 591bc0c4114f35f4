"""AnnData files: read with one clear error, written beside their place and moved there when complete."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scgce.store.atomic import replacing

from ._errors import ReadError, UsageError, WriteError

if TYPE_CHECKING:
    from anndata import AnnData

FORMATS = (".h5ad", ".zarr")


def read(path: Path, *, raw: bool = False, name: str = "input") -> AnnData:
    """
    Read an AnnData into memory.

    Parameters
    ----------
    path
        .h5ad file or .zarr folder.
    raw
        Take ``.raw`` instead, with its genes.
    name
        The argument, for messages.

    Raises
    ------
    ReadError
        If it is not there, or is not a complete AnnData.
    UsageError
        If its name ends otherwise, or it has no ``.raw`` where that is asked for.
    """
    _check_format(path, name)
    if not path.exists():
        raise ReadError(f"{name}={str(path)!r} does not exist")
    import anndata as ad

    try:
        adata = ad.read_zarr(path) if path.suffix == ".zarr" else ad.read_h5ad(path)
    except Exception as error:
        raise ReadError(f"{name}={str(path)!r} cannot be read as AnnData: {first_line(error)}") from error
    if not raw:
        return adata
    if adata.raw is None:
        raise UsageError(f"raw: input={str(path)!r} has no .raw; leave --raw out, or give --layer")
    return adata.raw.to_adata()


def check_output(output: Path, *inputs: Path) -> None:
    """
    Check, before any work, that an AnnData can be written there.

    Raises
    ------
    UsageError
        If the name does not end in .h5ad or .zarr.
    WriteError
        If it is one of the inputs, lies in one, or its folder is not there or not writable.
    """
    _check_format(output, "output")
    check_place(output, *inputs)
    if output.is_dir() and not any((output / name).exists() for name in (".zgroup", "zarr.json")):
        raise WriteError(f"output={str(output)!r} is a folder, and not one of zarr; give another name")


def check_place(output: Path, *inputs: Path) -> None:
    """
    Check that a file can be written there.

    Raises
    ------
    WriteError
        If it is one of the inputs, lies in one, or its folder is not there or not writable.
    """
    place = output.resolve()
    for path in inputs:
        if place == path.resolve() or path.resolve() in place.parents:
            raise WriteError(f"output={str(output)!r} would overwrite input={str(path)!r}; give another name")
    if not place.parent.is_dir():
        raise WriteError(f"output={str(output)!r}: the folder {str(output.parent)!r} does not exist")
    if not os.access(place.parent, os.W_OK):
        raise WriteError(f"output={str(output)!r}: no permission to write in {str(output.parent)!r}")


def check_folder(folder: Path, *inputs: Path) -> None:
    """
    Check that a folder is there or can be made.

    Raises
    ------
    WriteError
        If it is a file, one of the inputs or in one, or its own folder is not there or not writable.
    """
    check_place(folder, *inputs)
    if folder.exists() and not folder.is_dir():
        raise WriteError(f"output={str(folder)!r} is a file; expected a folder")


def make_folder(folder: Path, *inputs: Path) -> None:
    """
    Make a folder if it is not there.

    Raises
    ------
    WriteError
        As `check_folder`, or if the operating system refuses.
    """
    check_folder(folder, *inputs)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WriteError(f"output={str(folder)!r} cannot be made: {error.strerror}") from error


def write(adata: AnnData, path: Path) -> None:
    """
    Write an AnnData: the file is there complete, or as it was before.

    Raises
    ------
    WriteError
        If it cannot be written (disk full, no permission).
    """
    with writing(path) as temporary:
        try:
            if path.suffix == ".zarr":
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", "Writing zarr v2")  # anndata to those who choose the format
                    adata.write_zarr(temporary)
            else:
                _write_h5ad(adata, temporary)
        except (ValueError, TypeError) as error:  # an element that the format cannot hold
            raise WriteError(f"output={str(path)!r} cannot be written: {first_line(error)}") from error


class _Refusable(io.FileIO):
    """A file of which HDF5 never hears that the disk is full: what was refused lies in memory, to be read again.

    On closing, HDF5 writes again what a full disk has refused, and crashes when it is refused again.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.refusal: OSError | None = None
        self.refused: list[tuple[int, bytes]] = []

    def write(self, data: Any) -> int:
        """All of it, here or in memory."""
        start, left = self.tell(), memoryview(data).cast("B")
        try:
            while self.refusal is None and len(left):
                left = left[super().write(left) :]
        except OSError as error:
            self.refusal = error
        if self.refusal is not None:
            self.refused.append((start, bytes(data)))
        return len(data)

    def readinto(self, buffer: Any) -> int:
        """What was written here, and over it what was refused."""
        start, view = self.tell(), memoryview(buffer).cast("B")
        super().readinto(view)
        for place, data in self.refused:
            first, last = max(place, start), min(place + len(data), start + len(view))
            if first < last:
                view[first - start : last - start] = data[first - place : last - place]
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """To the size that HDF5 ends with."""
        return super().truncate(size) if self.refusal is None else size or 0


def _write_h5ad(adata: AnnData, path: Path) -> None:
    """As `AnnData.write_h5ad`, which takes no file, only its name."""
    import h5py
    from anndata.io import write_elem

    adata.strings_to_categoricals()
    if adata.raw is not None:
        adata.strings_to_categoricals(adata.raw.var)
    with _Refusable(path) as stream:
        with h5py.File(stream, "w") as file:
            write_elem(file, "/", adata)
            if adata.raw is None and "raw" in file:  # an empty one, which readers of old do not know
                del file["raw"]
        if stream.refusal is not None:
            raise stream.refusal


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """
    Give a temporary name to write to, which takes the place of ``path`` when all went well.

    Raises
    ------
    WriteError
        If it cannot be written (disk full, no permission).
    """
    try:
        with replacing(path) as temporary:
            yield temporary
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as either
        raise WriteError(f"output={str(path)!r} cannot be written: {_reason(error)}") from error


def _check_format(path: Path, argument: str) -> None:
    if path.suffix not in FORMATS:
        raise UsageError(f"{argument}={str(path)!r}: expected a name ending in {' or '.join(FORMATS)}")


def first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _reason(error: BaseException) -> str:
    """What the operating system said; HDF5 hides its number in a long message."""
    number = getattr(error, "errno", None)
    hidden = re.search(r"errno = (\d+)", str(error))
    number = int(hidden[1]) if number is None and hidden else number
    return first_line(error) if number is None else os.strerror(number)
