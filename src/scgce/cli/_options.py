"""Options: how a command lists its own as a table, and those that several commands share, each described once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ._errors import UsageError
from ._help import names_in


@dataclass(frozen=True)
class Option:
    """
    A row of a command's table of options (`scgce.cli._common.command_with`).

    Attributes
    ----------
    kind
        Type of the value.
    default
        What it is if it is not given.
    help
        The sentence of ``--help``.
    panel
        Heading under which ``--help`` lists it.
    metavar
        What stands for the value in ``--help``.
    flags
        Names on the command line; ``--`` and the name of the row, with dashes, if empty.
    least, most
        Bounds of a number.
    complete
        Gives completions in the shell.
    """

    kind: Any
    default: Any
    help: str
    panel: str | None = None
    metavar: str | None = None
    flags: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    complete: Callable[..., Any] | None = None

    def parameter(self, name: str) -> inspect.Parameter:
        """The parameter that typer reads."""
        declared = typer.Option(
            *(self.flags or (f"--{name.replace('_', '-')}",)),
            help=self.help,
            rich_help_panel=self.panel,
            metavar=self.metavar,
            min=self.least,
            max=self.most,
            autocompletion=self.complete,
        )
        kind = Annotated[self.kind, declared]  # type: ignore[name-defined]  # found at run time
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=self.default, annotation=kind)


_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def _known_device(name: str) -> str:
    if not _DEVICE.fullmatch(name):
        raise UsageError(f"device={name!r}: expected auto, cpu, cuda, cuda:0 or mps")
    return name


Input = Annotated[
    Path, typer.Option("--input", "-i", metavar="FILE", help="AnnData to read, .h5ad or .zarr. Never changed.")
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="AnnData to write, .h5ad or .zarr; whole or not at all.")
]
Groupby = Annotated[
    str,
    typer.Option(
        "--groupby",
        "-g",
        metavar="COLUMN",
        help="Column of obs with the groups of cells, or several between commas.",
        autocompletion=names_in("obs"),
    ),
]
UseRep = Annotated[
    str | None,
    typer.Option(
        "--use-rep",
        "-r",
        metavar="KEY",
        help="Representation in obsm to explain, e.g. X_umap, X_pca, X_scVI.",
        autocompletion=names_in("obsm"),
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        metavar="NAME",
        help="Layer with the log expression to explain; X if not given.",
        autocompletion=names_in("layers"),
    ),
]
GeneSymbols = Annotated[
    str | None,
    typer.Option(
        "--gene-symbols",
        metavar="COLUMN",
        help="Column of var with the names of genes to show, e.g. feature_name.",
        autocompletion=names_in("var"),
    ),
]
Raw = Annotated[bool, typer.Option("--raw", help="Work on .raw (its matrix becomes X of the output).")]
Key = Annotated[
    str,
    typer.Option("--key", metavar="KEY", help="Name of the stored explanation in uns.", autocompletion=names_in("uns")),
]
Sparsity = Annotated[
    int | None,
    typer.Option(
        "--sparsity",
        metavar="N",
        help="Genes per pair, one of those computed; the selected number if not given.",
        min=1,
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same bytes on the CPU.", min=0)]
Device = Annotated[
    str, typer.Option("--device", callback=_known_device, metavar="NAME", help="auto, cpu, cuda, cuda:0, mps.")
]
