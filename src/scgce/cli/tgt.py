"""``scgce tgt``: `scgce.tl.tgt` from file to file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from . import _values
from ._common import command_with, refuse_without_effect
from ._errors import ReadError, UsageError
from ._files import check_output, read, write
from ._given import given_pairs, given_sets
from ._help import names_in
from ._options import Device, Groupby, Input, Layer, Option, Output, Raw, Seed, UseRep
from ._trial import check_contents

if TYPE_CHECKING:
    from scgce.encoders import Encoder

WHAT, HOW, CHECKS = "What is explained", "How", "Checks and machine"

ONLY_TGT = (
    "programs",
    "gene_symbols",
    "amplitude",
    "nonnegative",
    "penalty",
    "mask_var",
    "gene_costs",
    "leave_one_out",
)
"""What `tl.dbm` does not take, or what cannot repeat it."""

Method = Literal["refine", "refine_consistent", "path", "truncate", "dbm"]
METHOD_HELP = (
    "refine (default), refine_consistent or path (no triangle error), truncate (the paper); "
    "dbm: the difference of means."
)
SPARSITY = "Genes per pair: auto, a number, or several like 5,10,20."
PROGRAMS = (
    "Explain in gene programmes: auto, profile, coexpression, nmf, hallmark, a GMT file or table, or a key of varm. "
    "Then --sparsity counts programmes."
)
SYMBOLS = "Column of var by which the sets of --programs are matched, e.g. feature_name."
AMPLITUDE = "Largest amount in units of the real difference of means, or none; auto: 3, real ones of programmes."
CLIP = "How far cells may go: range (each gene's observed range), zero (not below it), or none."
REFERENCE = "Group whose own amounts are 0, a label of one of several columns, or baseline. Display only."
PAIRS = "Pairs that matter: all, those of groups that share a label of a column, or a table of source and target."
DONORS = "Donors or samples: whole ones fit, select and are reported; with --pairs also what they say."
LEFT_OUT = "With --split-by: explain again without each donor, score on it (a fit for each)."

Text = str | None
OPTIONS = {
    "encoder": Option(
        Path | None, None, "Stored encoder (.safetensors, from scgce.encoders), instead of --use-rep.", WHAT
    ),
    "groups": Option(Text, None, "Labels to compare, between commas; all if not given.", WHAT, "NAME[,NAME…]"),
    "sparsity": Option(str, "auto", SPARSITY, HOW, "N[,N…]", ("--sparsity", "-k")),
    "method": Option(Method, "refine", METHOD_HELP, HOW, "METHOD"),
    "programs": Option(Text, None, PROGRAMS, HOW, "SOURCE"),
    "gene_symbols": Option(Text, None, SYMBOLS, HOW, "COLUMN", complete=names_in("var")),
    "amplitude": Option(str, "auto", AMPLITUDE, HOW, "NUMBER|none|auto"),
    "clip": Option(str, "range", CLIP, HOW),
    "nonnegative": Option(bool, False, "Take no group's mean below zero.", HOW, flags=("--nonnegative",)),
    "penalty": Option(
        str, "pair", "What a gene costs: pair, gene (once), or a number between 0 and 1.", HOW, "NUMBER|WORD"
    ),
    "pairs": Option(str, "all", PAIRS, WHAT, "all|within:COLUMN|FILE"),
    "reference": Option(Text, None, REFERENCE, HOW, "GROUP"),
    "mask_var": Option(Text, None, "Boolean column of var: genes that may be used.", WHAT, "COLUMN"),
    "gene_costs": Option(Text, None, "Column of var with the price of every gene.", HOW, "COLUMN"),
    "epsilon": Option(Text, None, "mean, max, or a distance: when a cell counts as reached.", CHECKS, "NUMBER|WORD"),
    "validation_fraction": Option(
        float, 0.25, "Share that selects, and share that is reported.", CHECKS, least=0, most=0.499
    ),
    "split_by": Option(Text, None, DONORS, CHECKS, "COLUMN", complete=names_in("obs")),
    "leave_one_out": Option(bool, False, LEFT_OUT, CHECKS, flags=("--leave-one-out/--no-leave-one-out",)),
    "judges": Option(bool, True, "Ask independent classifiers too.", CHECKS, flags=("--judges/--no-judges",)),
    "min_cells": Option(int, 3, "A group with fewer cells is an error.", CHECKS, least=1),
    "key": Option(Text, None, "Name of the result in uns; tgt or dbm if not given.", CHECKS, "KEY"),
}


@command_with(OPTIONS)
def tgt(
    input: Input,
    output: Output,
    groupby: Groupby,
    use_rep: UseRep = None,
    layer: Layer = None,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    **options: Any,
) -> None:
    """Explain what turns each group of cells into each other group, in a few genes per pair."""
    check_output(output, input)
    given = _understood(options)
    if given["encoder"] is not None and use_rep is not None:
        raise UsageError("--encoder and --use-rep: give one of them")
    method, key, leave_one_out = given["method"], given.pop("key"), given.pop("leave_one_out")
    if leave_one_out and given["split_by"] is None:
        raise UsageError("--leave-one-out: expected --split-by COLUMN as well, whose donors are left out in turn")
    if method == "dbm":
        refuse_without_effect(ONLY_TGT, "with --method dbm")
        given = {name: value for name, value in given.items() if name not in (*ONLY_TGT, "method")}
    from scgce import tl

    tool: Any = tl.dbm if method == "dbm" else tl.tgt
    key = ("dbm" if method == "dbm" else "tgt") if key is None else key
    given["encoder"] = None if given["encoder"] is None else _encoder(given["encoder"])
    given |= {"use_rep": use_rep, "layer": layer, "rng": seed, "device": device, "key_added": key}
    _values.check(tool, **given)
    adata = read(input, raw=raw)
    check_contents(adata, output)
    tool(adata, _values.columns(groupby, adata.obs.columns), **given)
    if options["split_by"] is not None and (options["pairs"] != "all" or leave_one_out):
        tl.evidence(adata, key, by="donor", leave_one_out=leave_one_out, device=device)
    write(adata, output)


def _understood(options: dict[str, Any]) -> dict[str, Any]:
    """The options as `tl.tgt` takes them."""
    groups, amplitude = _values.names("groups", options["groups"]), options["amplitude"]
    return options | {
        "sparsity": _values.sparsities(options["sparsity"]),
        "amplitude": amplitude if amplitude == "auto" else _values.number_or_none("amplitude", amplitude),
        "epsilon": _values.number_or_word("epsilon", options["epsilon"], ("mean", "max")),
        "groups": "all" if groups is None else groups,
        "clip": _values.clip_word(options["clip"]),
        "pairs": given_pairs(options["pairs"]),
        "programs": None if options["programs"] is None else given_sets("programs", options["programs"]),
        "penalty": _values.number_or_word("penalty", options["penalty"], ("pair", "gene"), most=1),
    }


def _encoder(path: Path) -> Encoder:
    from scgce.encoders import load_safetensors

    try:
        return load_safetensors(path)
    except (OSError, ValueError) as error:
        raise ReadError(f"encoder={str(path)!r} cannot be read: {error}") from error
