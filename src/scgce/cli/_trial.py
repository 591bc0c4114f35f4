"""What can fail in writing an AnnData for its names or its kinds of values, tried before the work is done."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import WriteError
from ._files import first_line

if TYPE_CHECKING:
    from anndata import AnnData


def check_contents(adata: AnnData, output: Path) -> None:
    """
    Write everything but the matrices' cells into memory, so that what a file cannot hold is found before the work.

    Converters leave columns that are called as HDF5's own (``_index``), columns of mixed types and names with "/".

    Raises
    ------
    WriteError
        Naming the element that the output's format cannot hold, and why.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, key, value in _elements(adata):
            reason = _refusal(value, output.suffix)
            if "/" in key:
                reason = f"the name has a '/', which a {output.suffix} file takes for a folder"
            if reason:
                name, reason = _narrowed(name, value, reason, output.suffix)
                raise WriteError(
                    f"output={str(output)!r}: adata.{name} cannot be written: {reason}. Rename it, turn it into one "
                    "type, or remove it from the input"
                )


def _elements(adata: AnnData) -> Iterator[tuple[str, str, Any]]:
    """Every element under the name by which Python finds it, with its key; of arrays a row."""
    yield from (("obs", "", adata.obs), ("var", "", adata.var))
    yield from ((f"uns[{key!r}]", str(key), value) for key, value in adata.uns.items())
    holders: dict[str, Any] = {name: getattr(adata, name) for name in ("obsm", "varm", "layers", "obsp", "varp")}
    if adata.raw is not None:
        yield "raw.var", "", adata.raw.var
        holders["raw.varm"] = adata.raw.varm
    for holder, content in holders.items():
        for key, value in content.items():
            if key is not None:  # anndata 0.13 lists X as the layer None
                yield f"{holder}[{key!r}]", str(key), value if hasattr(value, "columns") else value[:1]


def _refusal(value: Any, suffix: str) -> str:
    """Why a value cannot be written; empty if it can."""
    from anndata.io import write_elem

    try:
        if suffix == ".zarr":
            import zarr

            write_elem(zarr.open_group(store={}, mode="w"), "x", value)
        else:
            import h5py

            with h5py.File(io.BytesIO(), "w") as file:
                write_elem(file, "x", value)
    except Exception as error:  # noqa: BLE001 (whatever it is, the file could not be written)
        return first_line(error).rstrip(".")
    return ""


def _narrowed(name: str, value: Any, reason: str, suffix: str) -> tuple[str, str]:
    """The column or entry inside the element that alone cannot be written, if there is one."""
    if hasattr(value, "columns"):
        parts = [(column, value[[column]]) for column in value.columns]
    elif isinstance(value, Mapping):
        parts = list(value.items())
    else:
        return name, reason
    for key, part in parts:
        found = _refusal(part, suffix)
        if found:
            inner = f"{name}[{key!r}]"
            return (inner, found) if hasattr(part, "columns") else _narrowed(inner, part, found, suffix)
    return name, reason
