"""``scgce embed``: fit a representation that can be explained, or place new cells in a stored one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ._common import command_with, refuse_without_effect
from ._errors import UsageError
from ._files import check_output, read, write
from ._options import Device, Input, Layer, Option, Output, Raw, Seed
from ._trial import check_contents

if TYPE_CHECKING:
    from anndata import AnnData

ONLY_FIT = ("use_rep", "n_components", "epochs", "batch_size", "learning_rate", "seed", "device")
"""What only fitting reads."""

Method = Literal["scvis", "autoencoder", "umap-loss", "distill"]


Text = str | None
REPRESENTATION = "What it is trained on (X_pca if not given), or with distill the map, e.g. X_umap."
OPTIONS = {
    "method": Option(Method, "scvis", "What to fit; distill: a network that draws the map of --use-rep."),
    "use_rep": Option(Text, None, REPRESENTATION, flags=("--use-rep", "-r")),
    "n_components": Option(int, 2, "Dimensions; distill keeps those of the map.", least=1),
    "epochs": Option(int | None, None, "Passes over the cells; not for distill.", least=1),
    "batch_size": Option(int | None, None, "Cells a step.", least=2),
    "learning_rate": Option(float | None, None, "Step size of Adam."),
    "like": Option(Path | None, None, "AnnData with a fitted embedding --key: place the input in it, fit nothing."),
    "key": Option(Text, None, "Name in obsm and uns; X_ and the method if not given."),
}


@command_with(OPTIONS)
def embed(
    input: Input,
    output: Output,
    layer: Layer = None,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    **options: Any,
) -> None:
    """Fit a representation (scvis, autoencoder, UMAP loss, distilled map), or place new cells in a fitted one."""
    method, like = options["method"], options["like"]
    if like is not None:
        refuse_without_effect(ONLY_FIT, "with --like, which fits nothing")
    elif method == "distill":
        refuse_without_effect(("n_components", "epochs"), "with --method distill")
    check_output(output, input, *([] if like is None else [like]))
    if like is None and method == "distill" and options["use_rep"] is None:
        raise UsageError("use_rep: method='distill' needs the map to draw, e.g. --use-rep X_umap")
    adata = read(input, raw=raw)
    check_contents(adata, output)
    if like is None:
        _fit(adata, options, layer=layer, rng=seed, device=device)
    else:
        from scgce import tl

        key = options["key"] or f"X_{method.replace('-', '_')}"
        tl.embed_new(adata, key=key, reference=read(like, name="like"), layer=layer)
    write(adata, output)


def _fit(adata: AnnData, options: dict[str, Any], **shared: Any) -> None:
    """Fit what the options name; those that were not given are the tool's own defaults."""
    from scgce import tl

    names = {"key": "key_added", "batch_size": "batch_size", "learning_rate": "learning_rate", "use_rep": "use_rep"}
    given = {theirs: options[ours] for ours, theirs in names.items() if options[ours] is not None}
    given |= {name: value for name, value in shared.items() if value is not None}
    if options["method"] == "distill":
        tl.distill(adata, given.pop("use_rep"), **given)
        return
    tool = {"scvis": tl.scvis, "autoencoder": tl.autoencoder, "umap-loss": tl.umap_loss}[options["method"]]
    tool(adata, n_components=options["n_components"], n_epochs=options["epochs"], **given)
