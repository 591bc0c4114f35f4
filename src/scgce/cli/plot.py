"""``scgce plot``: pictures of a stored explanation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import _values
from ._common import command, refuse_without_effect
from ._errors import UsageError
from ._files import check_folder, make_folder, read, writing
from ._options import GeneSymbols, Input, Key, Sparsity

if TYPE_CHECKING:
    from anndata import AnnData

KINDS = ("groups", "metrics", "sweep", "explanation")
OF_PROGRAMS = "codebook"
OTHERS = (OF_PROGRAMS, "contrasts")
"""Drawn of results in programmes and of contrasts, where they are asked for."""


@command
def plot(
    input: Input,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the pictures.")],
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            help=f"Some of {', '.join((*KINDS, *OTHERS))}, between commas; what can be if not given.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="For the explanation: from this group.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="For the explanation: to this group.")] = None,
    format: Annotated[Literal["png", "pdf", "svg"], typer.Option("--format", help="Kind of files.")] = "png",
    dpi: Annotated[int, typer.Option("--dpi", help="Dots per inch.", min=30, max=1200)] = 150,
    sparsity: Sparsity = None,
    gene_symbols: GeneSymbols = None,
    key: Key = "tgt",
) -> None:
    """Draw the map, the metrics of all pairs, the sweep, and the explanation of a pair."""
    wanted = _wanted(_values.names("kind", kind), source, target)
    if "explanation" not in wanted:
        refuse_without_effect(("source", "target"), "without the kind 'explanation'")
    if not {"explanation", *OTHERS} & set(wanted):
        refuse_without_effect(("gene_symbols",), f"without any of {', '.join(('explanation', *OTHERS))}")
    check_folder(output, input)
    adata = read(input)
    options: dict[str, Any] = {"sparsity": sparsity, "gene_symbols": gene_symbols, "key": key}
    draw(adata, output, wanted, pair=(source, target), suffix=format, dpi=dpi, **options)


def draw(
    adata: AnnData,
    folder: Path,
    kinds: list[str],
    *,
    pair: tuple[str | None, str | None] = (None, None),
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    suffix: str = "png",
    dpi: int = 150,
) -> list[Path]:
    """Draw pictures into a folder and say where they are."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    from scgce import pl

    named: dict[str, Any] = {
        "sparsity": sparsity,
        "gene_symbols": gene_symbols,
        "key": key,
        "show": False,
        "return_fig": True,
    }
    makers: dict[str, Callable[[], Any]] = {
        "groups": lambda: pl.groups(adata, key=key, show=False, return_fig=True),
        "metrics": lambda: pl.metrics(adata, sparsity=sparsity, key=key, show=False, return_fig=True),
        "codebook": lambda: pl.codebook(adata, **named),
        "contrasts": lambda: pl.contrasts(adata, **named),
        "sweep": lambda: pl.sweep(adata, key=key, show=False, return_fig=True),
        "explanation": lambda: pl.explanation(adata, *pair, **named),
    }
    figures = {name: makers[name]() for name in kinds}  # all of them before a folder is made: it is whole or not there
    make_folder(folder)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.{suffix}")
        with writing(paths[-1]) as temporary:
            figure.savefig(temporary, dpi=dpi, bbox_inches="tight")
        plt.close(figure)
    return paths


def _wanted(kinds: list[str] | None, source: str | None, target: str | None) -> list[str]:
    if (source is None) != (target is None):
        raise UsageError("source and target go together: give both, or none")
    if kinds is None:
        return [kind for kind in KINDS if kind != "explanation" or source is not None]
    unknown = [kind for kind in kinds if kind not in (*KINDS, *OTHERS)]
    if unknown:
        raise UsageError(f"kind={unknown[0]!r}: expected some of {', '.join((*KINDS, *OTHERS))}")
    if "explanation" in kinds and source is None:
        raise UsageError("kind='explanation' needs a pair: give --source and --target")
    return kinds
