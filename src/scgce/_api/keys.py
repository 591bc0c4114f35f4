"""Keys under which results are stored: what other tools keep there is not overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anndata import AnnData

from .errors import listing
from .warn import warn

RESERVED = ("pca", "umap", "tsne", "neighbors", "leiden", "louvain", "log1p", "hvg", "rank_genes_groups", "paga")
"""Keys of uns that scanpy's functions write and read."""
_BESIDE = {
    **dict.fromkeys(("scvis", "autoencoder", "umap_loss", "distill", "embed_new"), "obsm"),
    "programs": "varm",
    "lineages": "obs",
}
"""Where else a tool writes under its key."""
_SHARED = {"rank_genes": "rank_genes_groups"}
"""Tools that write where a tool of scanpy does, in its form."""


def check_key(adata: AnnData, key: str, tool: str, read: Mapping[str, Any]) -> None:
    """Raise if the name of a result is taken by another tool.

    Parameters
    ----------
    adata
        Annotated data.
    key
        ``key_added``.
    tool
        Name of the function that is about to write.
    read
        Its arguments that may name what it reads.

    Raises
    ------
    ValueError
        If what is stored there was not written by scgce, the name is one of scanpy's, or it is what is read itself: an
        explanation, an embedding or programmes.

    Warns
    -----
    UserWarning
        If scanpy's result of the same form is replaced.
    """
    entry = adata.uns.get(key)
    if entry is not None and _is_ours(entry):
        for name, value in read.items():
            # A map or programmes that an explanation was called after are not in it, and it may be made again.
            if isinstance(value, str) and value == key and (name == "key" or "deltas" not in entry):
                raise ValueError(f"key_added={key!r} would overwrite {name}={key!r} itself; choose another name")
        return
    if _SHARED.get(tool) == key:
        if entry is not None:
            warn(f"adata.uns[{key!r}], written by another tool, is replaced; key_added=… keeps both")
        return
    hint = f"choose another name, such as {key + '_scgce'!r}"
    if entry is not None:
        raise ValueError(f"key_added={key!r} would overwrite adata.uns[{key!r}], {_what(entry)}; {hint}")
    if key in RESERVED:
        raise ValueError(f"key_added={key!r} is the key of a tool of scanpy in adata.uns; {hint}")
    slot = _BESIDE.get(tool)
    if slot is not None and key in getattr(adata, slot):
        raise ValueError(f"key_added={key!r} would overwrite adata.{slot}[{key!r}], which scgce did not write; {hint}")


def _is_ours(entry: Any) -> bool:
    """Whether scgce wrote the entry: it notes its version, or that it is the method."""
    params = entry.get("params") if isinstance(entry, Mapping) else None
    return isinstance(params, Mapping) and ("scgce_version" in params or params.get("method") == "scgce")


def _what(entry: Any) -> str:
    held = f"with {listing(list(entry)[:5])}" if isinstance(entry, Mapping) and entry else f"a {type(entry).__name__}"
    return f"which another tool wrote ({held})"
