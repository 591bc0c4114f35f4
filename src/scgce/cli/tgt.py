"""``scgce tgt``: `scgce.tl.tgt` from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import _values
from ._common import command, refuse_without_effect
from ._errors import ReadError, UsageError
from ._files import check_output, read, write
from ._help import names_in
from ._options import Device, Groupby, Input, Layer, Output, Raw, Seed, UseRep
from ._trial import check_contents

if TYPE_CHECKING:
    from scgce.encoders import Encoder

WHAT, HOW, CHECKS = "What is explained", "How", "Checks and machine"

ONLY_TGT = ("programs", "amplitude", "nonnegative", "penalty", "mask_var", "gene_costs")
"""What `tl.dbm` does not take."""

Method = Literal["refine", "refine_consistent", "path", "truncate", "dbm"]


@command
def tgt(
    input: Input,
    output: Output,
    groupby: Groupby,
    use_rep: UseRep = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            "--encoder",
            rich_help_panel=WHAT,
            help="Stored encoder (.safetensors, from scgce.encoders), instead of --use-rep.",
        ),
    ] = None,
    layer: Layer = None,
    raw: Raw = False,
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            rich_help_panel=WHAT,
            metavar="NAME[,NAME…]",
            help="Labels to compare, between commas; all if not given.",
        ),
    ] = None,
    sparsity: Annotated[
        str,
        typer.Option(
            "--sparsity",
            "-k",
            rich_help_panel=HOW,
            metavar="N[,N…]",
            help="Genes per pair: auto, a number, or several like 5,10,20.",
        ),
    ] = "auto",
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            rich_help_panel=HOW,
            metavar="METHOD",
            help="refine (default), refine_consistent or path (no triangle error), truncate (the paper); "
            "dbm: the difference of means.",
        ),
    ] = "refine",
    programs: Annotated[
        str | None,
        typer.Option(
            "--programs",
            rich_help_panel=HOW,
            metavar="SOURCE",
            help="Explain in gene programmes: auto, profile, coexpression, nmf, a GMT file, or a key of varm. "
            "Then --sparsity counts programmes.",
        ),
    ] = None,
    amplitude: Annotated[
        str,
        typer.Option(
            "--amplitude",
            rich_help_panel=HOW,
            metavar="NUMBER|none|auto",
            help="Largest amount in units of the real difference of means, or none; auto: 3, real ones of programmes.",
        ),
    ] = "auto",
    clip: Annotated[
        str,
        typer.Option(
            "--clip",
            rich_help_panel=HOW,
            help="How far cells may go: range (each gene's observed range), zero (not below it), or none.",
        ),
    ] = "range",
    nonnegative: Annotated[
        bool, typer.Option("--nonnegative", rich_help_panel=HOW, help="Take no group's mean below zero.")
    ] = False,
    penalty: Annotated[
        str,
        typer.Option(
            "--penalty",
            rich_help_panel=HOW,
            metavar="NUMBER|WORD",
            help="What a gene costs: pair, gene (once), or a number between 0 and 1.",
        ),
    ] = "pair",
    pairs: Annotated[
        str,
        typer.Option(
            "--pairs",
            rich_help_panel=WHAT,
            metavar="all|within:COLUMN",
            help="Pairs that matter: all, or those of groups that share a label of a column.",
        ),
    ] = "all",
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            rich_help_panel=HOW,
            metavar="GROUP",
            help="Group whose own amounts are 0, a label of one of several columns, or baseline. Display only.",
        ),
    ] = None,
    mask_var: Annotated[
        str | None,
        typer.Option(
            "--mask-var", rich_help_panel=WHAT, metavar="COLUMN", help="Boolean column of var: genes that may be used."
        ),
    ] = None,
    gene_costs: Annotated[
        str | None,
        typer.Option(
            "--gene-costs", rich_help_panel=HOW, metavar="COLUMN", help="Column of var with the price of every gene."
        ),
    ] = None,
    epsilon: Annotated[
        str | None,
        typer.Option(
            "--epsilon",
            rich_help_panel=CHECKS,
            metavar="NUMBER|WORD",
            help="mean, max, or a distance: when a cell counts as reached.",
        ),
    ] = None,
    validation_fraction: Annotated[
        float,
        typer.Option(
            "--validation-fraction",
            rich_help_panel=CHECKS,
            help="Share that selects, and share that is reported.",
            min=0,
            max=0.499,
        ),
    ] = 0.25,
    split_by: Annotated[
        str | None,
        typer.Option(
            "--split-by",
            rich_help_panel=CHECKS,
            metavar="COLUMN",
            autocompletion=names_in("obs"),
            help="Donors or samples: whole ones fit, select and are reported; with --pairs also what they say.",
        ),
    ] = None,
    judges: Annotated[
        bool, typer.Option("--judges/--no-judges", rich_help_panel=CHECKS, help="Ask independent classifiers too.")
    ] = True,
    min_cells: Annotated[
        int, typer.Option("--min-cells", rich_help_panel=CHECKS, help="A group with fewer cells is an error.", min=1)
    ] = 3,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", rich_help_panel=CHECKS, metavar="KEY", help="Name of the result in uns; tgt or dbm if not given."
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Explain what turns each group of cells into each other group, in a few genes per pair."""
    check_output(output, input)
    sizes = _values.sparsities(sparsity)
    bound = amplitude if amplitude == "auto" else _values.number_or_none("amplitude", amplitude)
    reach = _values.number_or_word("epsilon", epsilon, ("mean", "max"))
    chosen = _values.names(groups)
    bounds = _values.clip_word(clip)
    price: Any = _values.number_or_word("penalty", penalty, ("pair", "gene"), most=1)
    if encoder is not None and use_rep is not None:
        raise UsageError("--encoder and --use-rep: give one of them")
    if method == "dbm":
        refuse_without_effect(ONLY_TGT, "with --method dbm")
    from scgce import tl

    shared: dict[str, Any] = {
        "use_rep": use_rep,
        "encoder": None if encoder is None else _encoder(encoder),
        "layer": layer,
        "groups": "all" if chosen is None else chosen,
        "reference": reference,
        "pairs": pairs,
        "sparsity": sizes,
        "clip": bounds,
        "epsilon": reach,
        "validation_fraction": validation_fraction,
        "split_by": split_by,
        "judges": judges,
        "min_cells": min_cells,
        "rng": seed,
        "device": device,
        "key_added": key or ("dbm" if method == "dbm" else "tgt"),
    }
    tool: Any = tl.dbm if method == "dbm" else tl.tgt
    if method != "dbm":
        shared |= {"method": method, "amplitude": bound, "mask_var": mask_var, "gene_costs": gene_costs}
        shared |= {"nonnegative": nonnegative, "penalty": price, "programs": programs}
    _values.check(tool, **shared)
    adata = read(input, raw=raw)
    check_contents(adata, output)
    tool(adata, _values.columns(groupby, adata.obs.columns), **shared)
    if pairs != "all" and split_by is not None:
        tl.evidence(adata, shared["key_added"], by="donor", device=device)
    write(adata, output)


def _encoder(path: Path) -> Encoder:
    from scgce.encoders import load_safetensors

    try:
        return load_safetensors(path)
    except (OSError, ValueError) as error:
        raise ReadError(f"encoder={str(path)!r} cannot be read: {error}") from error
