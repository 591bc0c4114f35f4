"""``scgce rank-genes``: an explanation where scanpy's own plots and tables look for one."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ._common import command
from ._files import check_output, read, write
from ._options import Input, Key, Output, Sparsity
from ._trial import check_contents


@command
def rank_genes(
    input: Input,
    output: Output,
    key: Key = "tgt",
    key_added: Annotated[str, typer.Option("--key-added", help="Name in uns to write.")] = "rank_genes_groups",
    by: Annotated[
        Literal["separation", "translation"],
        typer.Option("--by", help="separation: a marker list; translation: the explanation's own amounts."),
    ] = "separation",
    reference: Annotated[
        str, typer.Option("--reference", help="What groups are compared with: baseline, or a group.")
    ] = "baseline",
    sparsity: Sparsity = None,
) -> None:
    """Write an explanation in the structure of scanpy's rank_genes_groups."""
    check_output(output, input)
    adata = read(input)
    check_contents(adata, output)
    from scgce import tl

    tl.rank_genes(adata, key, key_added, by=by, reference=reference, sparsity=sparsity)
    write(adata, output)
