"""The commands."""

from __future__ import annotations

from typing import Annotated

import typer

from ._errors import EXIT_CODES
from ._help import WIDTH, PlainCommand
from .demo import demo
from .embed import embed
from .evaluate import evaluate
from .evidence import evidence
from .export import export
from .panel import panel
from .plot import plot
from .programs import programs
from .rank_genes import rank_genes
from .report import report
from .simulate import simulate
from .stability import stability
from .tgt import tgt

EPILOG = "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="scgce",
    help="Which few genes turn one group of cells into another? Reads and writes AnnData (.h5ad, .zarr).",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
)


def _version(wanted: bool) -> None:
    if wanted:
        from scgce import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _scgce(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Which few genes turn one group of cells into another? Reads and writes AnnData (.h5ad, .zarr)."""


for _command in (
    demo, tgt, embed, evaluate, evidence, export, panel, plot, programs, report, rank_genes, simulate, stability
):  # fmt: skip
    # whole sentences in the list of commands, not their first 45 letters
    app.command(cls=PlainCommand, short_help=str(_command.__doc__).partition(". ")[0].rstrip("."))(_command)
