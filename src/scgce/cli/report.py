"""``scgce report``: a stored explanation as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ._common import command
from ._errors import UsageError
from ._files import check_place, read, writing
from ._options import GeneSymbols, Input, Key, Seed


@command
def report(
    input: Input,
    output: Annotated[Path, typer.Option("--output", "-o", help="Page to write, .html; whole or not at all.")],
    key: Key = "tgt",
    title: Annotated[str | None, typer.Option("--title", help="Headline.")] = None,
    basis: Annotated[str | None, typer.Option("--basis", help="Map in obsm to draw on; chosen if not given.")] = None,
    gene_symbols: GeneSymbols = None,
    max_cells: Annotated[int, typer.Option("--max-cells", help="Cells drawn at most, a sample.", min=1)] = 20_000,
    seed: Seed = 0,
) -> None:
    """Write one self-contained HTML page: map, pairs, metrics, sweep, markers, fidelity, parameters."""
    if output.suffix not in {".html", ".htm"}:
        raise UsageError(f"output={str(output)!r}: expected a name ending in .html")
    check_place(output, input)
    adata = read(input)
    import scgce

    with writing(output) as temporary:
        options: dict[str, Any] = {"title": title, "basis": basis, "gene_symbols": gene_symbols, "max_cells": max_cells}
        scgce.report(adata, temporary, key, rng=seed, **options)
