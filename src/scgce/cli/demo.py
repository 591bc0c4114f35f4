"""``scgce demo``: the main job on data that come with scanpy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._common import command
from ._files import check_folder, make_folder, write
from ._options import Device, Seed
from .plot import KINDS, draw

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger("scgce")

FOLDER = Path("scgce-demo")
GROUPBY, REPRESENTATION = "bulk_labels", "X_umap"
SOURCE, TARGET = "CD19+ B", "CD14+ Monocyte"
SHOWN = {
    "sparsity": "genes",
    "correctness": "correctness",
    "dbm_correctness": "DBM correctness",
    "coverage": "coverage",
    "dbm_coverage": "DBM coverage",
    "selected": "selected",
}


@command
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the pictures, the page and the AnnData.")
    ] = FOLDER,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Explain the cell types of 700 blood cells in their UMAP (offline, under a minute)."""
    check_folder(output)
    import scanpy as sc

    import scgce

    adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
    logger.info("explaining %s of %d blood cells × %d genes in their UMAP …", GROUPBY, *adata.shape)
    scgce.tl.tgt(adata, GROUPBY, use_rep=REPRESENTATION, rng=seed, device=device)
    typer.echo(_pair(adata))
    typer.echo(_means(adata))
    make_folder(output)
    pictures = draw(adata, output, list(KINDS), pair=(SOURCE, TARGET))
    paths = [*pictures, output / "report.html", output / "pbmc68k.h5ad"]
    scgce.report(adata, paths[-2])
    write(adata, paths[-1])
    typer.echo("Written:\n" + "\n".join(f"  {path}" for path in paths))


def _pair(adata: AnnData) -> str:
    from scgce import get

    frame = get.explanation(adata, SOURCE, TARGET)
    table = frame.to_string(index=False, float_format=lambda value: f"{value:.2f}")
    return f"\n{frame.attrs['direction']} ({len(frame)} genes)\n\n{table}\n"


def _means(adata: AnnData) -> str:
    from scgce import get

    frame = get.sweep(adata)[list(SHOWN)].rename(columns=SHOWN)
    frame["selected"] = ["<-" if chosen else "" for chosen in frame["selected"]]
    table = frame.to_string(index=False, float_format=lambda value: f"{value:.2f}")
    return (
        "Means over all ordered pairs, on cells that took no part in the fit; DBM is the difference of means cut to "
        f"the same number of genes\n\n{table}\n"
    )
