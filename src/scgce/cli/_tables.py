"""The tables of a result, and how they are written: the same bytes for the same values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import UsageError
from ._files import check_place, writing

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

MISSING = "NA"
DIGITS = "%.7g"


def _long_deltas(adata: AnnData, key: str, sparsity: int | None) -> pd.DataFrame:
    """Basis translations, one row per group and gene whose amount is not zero."""
    from scgce import get

    wide = get.deltas(adata, sparsity=sparsity, key=key)
    long = wide.stack().rename("delta").reset_index()
    return long[long["delta"] != 0].reset_index(drop=True)


def _codebook(adata: AnnData, named: dict[str, Any]) -> pd.DataFrame:
    """Levels and their means, one row per programme and group."""
    from scgce import get

    wide = get.codebook(adata, **named)
    long = wide.stack("group", future_stack=True).reset_index()
    long.insert(1, "leading_genes", long["program"].map(wide.attrs["leading_genes"]))
    return long


def makers(
    adata: AnnData, key: str, sparsity: int | None, n_genes: int, gene_symbols: str | None
) -> dict[str, Callable[[], pd.DataFrame]]:
    """
    Give what computes each table, by name.

    Parameters
    ----------
    adata, key, sparsity
        The result, and genes per pair (None: the selected number).
    n_genes
        Length of the panel.
    gene_symbols
        Column of var that is added to tables of genes; none if None.
    """
    from scgce import get

    named: dict[str, Any] = {"sparsity": sparsity, "gene_symbols": gene_symbols, "key": key}

    return {
        "explanations": lambda: get.pairs(adata, **named),
        "metrics": lambda: get.metrics(adata, sparsity=sparsity, key=key),
        "sweep": lambda: get.sweep(adata, key=key),
        "markers": lambda: get.markers(adata, **named),
        "panel": lambda: get.panel(adata, n_genes, **named),
        "deltas": lambda: _long_deltas(adata, key, sparsity),
        "contrasts": lambda: get.contrasts(adata, **named),
        "codebook": lambda: _codebook(adata, named),
        "evidence": lambda: get.evidence(adata, key=key),
        "unexplained": lambda: get.unexplained(adata, key=key),
        "stability": lambda: get.stability(adata, gene_symbols=gene_symbols, key=key),
    }


TABLES = ("explanations", "metrics", "sweep", "markers", "panel", "deltas")
OTHERS = {
    "codebook": ("programs",),
    "contrasts": ("asked",),
    "evidence": ("evidence",),
    "unexplained": ("evidence", "donor_evidence"),
    "stability": ("stability",),
}
"""Tables that are written where they are asked for, or the result has what they read: one of these fields."""


def tsv(frame: pd.DataFrame) -> str:
    """Tab-separated text: seven digits, NA for missing values, LF at the end of lines."""
    return str(frame.to_csv(sep="\t", index=False, float_format=DIGITS, na_rep=MISSING, lineterminator="\n"))


def check_table(table: Path | None, output: Path, *inputs: Path) -> None:
    """
    Check, before any work, that a table can be written beside the output.

    Raises
    ------
    UsageError
        If its name ends otherwise than in .tsv or .parquet.
    WriteError
        If it is the output or one of the inputs, or its folder is not there or not writable.
    """
    if table is None:
        return
    if table.suffix not in (".tsv", ".parquet"):
        raise UsageError(f"table={str(table)!r}: expected a name that ends in .tsv or .parquet")
    if table.suffix == ".parquet":
        _need_pyarrow()
    check_place(table, output, *inputs)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """
    Write a table as .tsv or .parquet, whole or not at all.

    Raises
    ------
    UsageError
        If pyarrow is missing for parquet.
    WriteError
        If it cannot be written.
    """
    with writing(path) as temporary:
        if path.suffix == ".parquet":
            _need_pyarrow()
            frame.to_parquet(temporary, index=False)
        else:
            temporary.write_bytes(tsv(frame).encode("utf-8"))


def _need_pyarrow() -> None:
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise UsageError("format='parquet' needs pyarrow: pip install pyarrow; or use --format tsv")
