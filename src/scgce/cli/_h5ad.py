"""Writing .h5ad such that a full disk is an error: HDF5 itself crashes when it cannot write."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anndata import AnnData


def write_h5ad(adata: AnnData, path: Path) -> None:
    """
    Write an AnnData as `AnnData.write_h5ad` does.

    Raises
    ------
    OSError
        If the operating system refuses to write.
    """
    import h5py
    from anndata.io import write_elem

    adata.strings_to_categoricals()
    if adata.raw is not None:
        adata.strings_to_categoricals(adata.raw.var)
    with _Patient(path) as file:
        with h5py.File(file, "w") as tree:
            write_elem(tree, "/", adata)
        if file.error is not None:
            raise file.error


class _Patient(io.RawIOBase):
    """
    A file that remembers what the operating system refused and lets HDF5 go on as if it had been written.

    HDF5 tries again, when it closes the file and once more when the process ends, to write what was refused, and
    ends the process with a segmentation fault when that is refused too.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._file = path.open("wb+", buffering=0)  # a buffer would be written, and refused, by whatever comes next

    def _tried(self, act: Callable[[], Any]) -> None:
        try:
            if self.error is None:
                act()
        except OSError as error:
            self.error = error

    def _write_all(self, data: Any) -> None:
        left = memoryview(data)
        while len(left):
            left = left[self._file.write(left) :]

    def write(self, data: Any) -> int:
        self._tried(lambda: self._write_all(data))
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        self._tried(lambda: self._file.truncate(size))
        return 0 if size is None else size

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
