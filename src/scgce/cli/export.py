"""``scgce export``: results as tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from . import _values
from ._common import command, refuse_without_effect
from ._errors import UsageError
from ._files import check_folder, make_folder, read
from ._options import GeneSymbols, Input, Key, Sparsity
from ._tables import OTHERS, TABLES, makers, tsv, write_table

STDOUT = Path("-")


@command
def export(
    input: Input,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the tables; - for stdout (one table, as TSV).")
    ],
    table: Annotated[
        str, typer.Option("--table", "-t", help=f"Tables between commas: {', '.join((*TABLES, *OTHERS))}.")
    ] = ",".join(TABLES),
    source: Annotated[
        str | None, typer.Option("--source", help="With --target: only this pair in the explanations.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="The pair's other group.")] = None,
    format: Annotated[Literal["tsv", "parquet"], typer.Option("--format", help="Kind of files.")] = "tsv",
    sparsity: Sparsity = None,
    n_genes: Annotated[int, typer.Option("--n-genes", help="Length of the panel.", min=1)] = 50,
    gene_symbols: GeneSymbols = None,
    key: Key = "tgt",
) -> None:
    """Write explanations, metrics, sweep, markers, panel, basis translations and more as tables."""
    wanted = _values.names("table", table) or []
    if "panel" not in wanted:
        refuse_without_effect(("n_genes",), "without the table 'panel'")
    if not {"explanations", "markers", "panel", "codebook", "contrasts", "stability"} & set(wanted):
        refuse_without_effect(("gene_symbols",), "without a table of genes")
    _check(wanted, output, source, target, format)
    if output != STDOUT:
        check_folder(output, input)
    adata = read(input)
    if table == ",".join(TABLES):
        fields = adata.uns.get(key, {})
        wanted += [name for name, needs in OTHERS.items() if any(field in fields for field in needs)]
    made = makers(adata, key, sparsity, n_genes, gene_symbols)
    frames = {name: make for name, make in made.items() if name in wanted}
    if source is not None and target is not None:
        from scgce import get

        options: dict[str, Any] = {"sparsity": sparsity, "gene_symbols": gene_symbols, "key": key}
        frames["explanations"] = lambda: get.explanation(adata, source, target, **options)
    if output == STDOUT:
        sys.stdout.write(tsv(frames[wanted[0]]()))
        return
    tables = {name: make() for name, make in frames.items()}
    make_folder(output, input)
    for name, frame in tables.items():
        write_table(frame, output / f"{name}.{format}")


def _check(wanted: list[str], output: Path, source: str | None, target: str | None, kind: str) -> None:
    unknown = [name for name in wanted if name not in (*TABLES, *OTHERS)]
    if unknown:
        raise UsageError(f"table={unknown[0]!r}: expected some of {', '.join((*TABLES, *OTHERS))}")
    if output == STDOUT and (len(wanted) != 1 or kind != "tsv"):
        raise UsageError(f"output='-': choose one table with --table ({', '.join(TABLES)}), as TSV")
    if (source is None) != (target is None):
        raise UsageError("source and target go together: give both, or none for all pairs")
    if source is not None and "explanations" not in wanted:
        raise UsageError("source and target choose a pair of the table 'explanations'; add it to --table")
