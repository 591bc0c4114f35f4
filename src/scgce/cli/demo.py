"""``scgce demo``: the main job on data that come with scanpy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ._common import command
from ._files import check_folder, make_folder, write
from ._options import Device, Seed
from .plot import KINDS, OF_PROGRAMS, draw

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger("scgce")

FOLDER = Path("scgce-demo")
GROUPBY, REPRESENTATION = "bulk_labels", "X_umap"
SOURCE, TARGET = "CD19+ B", "CD14+ Monocyte"
PROGRAMMES = "programmes"
SHOWN = {
    "sparsity": "genes",
    "correctness": "correctness",
    "dbm_correctness": "DBM correctness",
    "coverage": "coverage",
    "dbm_coverage": "DBM coverage",
    "dbm_scaled_correctness": "× factor",
    "dbm_scaled_coverage": "× factor, coverage",
    "selected": "selected",
}

IN_PROGRAMMES = {"sparsity": "programmes"} | {name: SHOWN[name] for name in list(SHOWN)[1:5]}
IN_PROGRAMMES |= {"judge_logreg": "regression", "judge_knn": "neighbours", "n_genes": "genes", "selected": "selected"}


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
    logger.info("explaining them in gene programmes …")
    _explain_in_programmes(adata, seed, device)
    typer.echo(_programmes(adata))
    make_folder(output)
    pictures = draw(adata, output, list(KINDS), pair=(SOURCE, TARGET))
    paths = [
        *draw(adata, output, [OF_PROGRAMS], key=PROGRAMMES),
        *pictures,
        output / "report.html",
        output / "pbmc68k.h5ad",
    ]
    scgce.report(adata, paths[-2])
    write(adata, paths[-1])
    typer.echo("Written:\n" + "\n".join(f"  {path}" for path in paths))


def _explain_in_programmes(adata: AnnData, seed: int, device: str) -> None:
    """The same encoder, in another unit."""
    import scgce
    from scgce.encoders import encoder_from_uns

    encoder = encoder_from_uns(adata.uns["tgt"]["encoder"])
    scgce.tl.tgt(adata, GROUPBY, encoder=encoder, programs="auto", rng=seed, device=device, key_added=PROGRAMMES)


def _programmes(adata: AnnData) -> str:
    from scgce import get

    sweep = get.sweep(adata, key=PROGRAMMES)[list(IN_PROGRAMMES)].rename(columns=IN_PROGRAMMES)
    sweep["selected"] = ["<-" if chosen else "" for chosen in sweep["selected"]]
    table = sweep.to_string(index=False, float_format=lambda value: f"{value:.2f}")
    frame = get.explanation(adata, SOURCE, TARGET, key=PROGRAMMES)
    rows = frame.to_string(index=False, float_format=lambda value: f"{value:.2f}")
    return (
        "In gene programmes at real amounts; DBM is the difference of means cut to as many genes as the programmes move"
        f"\n\n{table}\n\n{SOURCE} → {TARGET} ({len(frame)} programmes)\n\n{rows}\n"
    )


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
        f"the same number of genes, at real amounts and times the factor that serves best\n\n{table}\n"
    )
