"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Input = Annotated[Path, typer.Option("--input", "-i", help="AnnData to read, .h5ad or .zarr. Never changed.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="AnnData to write, .h5ad or .zarr; whole or not at all.")]
Groupby = Annotated[str, typer.Option("--groupby", "-g", help="Column of obs with the groups of cells.")]
UseRep = Annotated[
    str | None,
    typer.Option("--use-rep", "-r", help="Representation in obsm to explain, e.g. X_umap, X_pca, X_scVI."),
]
Layer = Annotated[str | None, typer.Option("--layer", help="Layer with the log expression to explain; X if not given.")]
Raw = Annotated[bool, typer.Option("--raw", help="Work on .raw (its matrix becomes X of the output).")]
Key = Annotated[str, typer.Option("--key", help="Name of the stored explanation in uns.")]
Sparsity = Annotated[
    int | None,
    typer.Option("--sparsity", help="Genes per pair, one of those computed; the selected number if not given.", min=1),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes on the CPU.", min=0)]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:0, mps.")]
