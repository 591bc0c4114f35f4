"""``scgce simulate``: cells with a known answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ._common import command
from ._files import check_output, write
from ._options import Output, Seed

if TYPE_CHECKING:
    from anndata import AnnData


@command
def simulate(
    output: Output,
    n_cells: Annotated[int, typer.Option("--n-cells", help="Cells.", min=1)] = 2000,
    n_genes: Annotated[int, typer.Option("--n-genes", help="Genes.", min=4)] = 1000,
    n_groups: Annotated[int, typer.Option("--n-groups", help="Groups, in obs['group'].", min=1)] = 5,
    n_planted: Annotated[
        int | None, typer.Option("--n-planted", help="Genes that differ; twelve a group if not given.", min=0)
    ] = None,
    n_copies: Annotated[
        int | None, typer.Option("--n-copies", help="Genes that follow a planted one and cause nothing.", min=0)
    ] = None,
    log_fold: Annotated[float, typer.Option("--log-fold", help="Typical planted change, natural log.")] = 1.5,
    library_size: Annotated[float, typer.Option("--library-size", help="Median molecules a cell.")] = 2000.0,
    dropout: Annotated[float, typer.Option("--dropout", help="Largest probability to lose an entry.")] = 0.1,
    n_donors: Annotated[int, typer.Option("--n-donors", help="Donors, in obs['donor']; 0 for none.", min=0)] = 0,
    donor_effect: Annotated[
        float, typer.Option("--donor-effect", help="Deviation of a gene's mean over samples, natural log.")
    ] = 0.2,
    condition: Annotated[
        bool, typer.Option("--condition", help="Stimulate half of the cells, in obs['condition']: planted programmes.")
    ] = False,
    represent: Annotated[
        Literal["none", "pca", "umap"], typer.Option("--represent", help="Representation to compute with scanpy.")
    ] = "pca",
    seed: Seed = 0,
) -> None:
    """Draw sparse cells with planted differences between groups (log values in X, counts in a layer)."""
    check_output(output)
    from scgce import datasets

    adata = datasets.simulated_cells(
        n_cells,
        n_genes,
        n_groups,
        n_planted=n_planted,
        n_copies=n_copies,
        log_fold=log_fold,
        library_size=library_size,
        dropout=dropout,
        n_donors=n_donors,
        donor_effect=donor_effect,
        condition=condition,
        rng=seed,
    )
    _represent(adata, represent, seed)
    write(adata, output)


def _represent(adata: AnnData, kind: str, seed: int) -> None:
    if kind == "none":
        return
    import scanpy as sc

    sc.pp.pca(adata, n_comps=min(50, *(size - 1 for size in adata.shape)), random_state=seed)
    if kind == "umap":
        sc.pp.neighbors(adata, random_state=seed)
        sc.tl.umap(adata, random_state=seed)
