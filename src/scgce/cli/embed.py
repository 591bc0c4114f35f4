"""``scgce embed``: fit a representation that can be explained, or place new cells in a stored one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ._common import command, refuse_without_effect
from ._errors import UsageError
from ._files import check_output, read, write
from ._options import Device, Input, Layer, Output, Raw, Seed
from ._trial import check_contents

ONLY_FIT = ("use_rep", "n_components", "epochs", "batch_size", "learning_rate", "seed", "device")
"""What only fitting reads."""

Method = Literal["scvis", "autoencoder", "umap-loss", "distill"]


@command
def embed(
    input: Input,
    output: Output,
    method: Annotated[
        Method,
        typer.Option("--method", help="What to fit; distill: a network that draws the map of --use-rep."),
    ] = "scvis",
    use_rep: Annotated[
        str | None,
        typer.Option(
            "--use-rep", "-r", help="What it is trained on (X_pca if not given), or with distill the map, e.g. X_umap."
        ),
    ] = None,
    layer: Layer = None,
    raw: Raw = False,
    n_components: Annotated[
        int, typer.Option("--n-components", help="Dimensions; distill keeps those of the map.", min=1)
    ] = 2,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Passes over the cells; not for distill.", min=1)
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Cells a step.", min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", help="Step size of Adam.")] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", help="AnnData with a fitted embedding --key: place the input in it, fit nothing."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Name in obsm and uns; X_ and the method if not given.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Fit a representation (scvis, autoencoder, UMAP loss, distilled map), or place new cells in a fitted one."""
    if like is not None:
        refuse_without_effect(ONLY_FIT, "with --like, which fits nothing")
    elif method == "distill":
        refuse_without_effect(("n_components", "epochs"), "with --method distill")
    check_output(output, input, *([] if like is None else [like]))
    if like is None and method == "distill" and use_rep is None:
        raise UsageError("use_rep: method='distill' needs the map to draw, e.g. --use-rep X_umap")
    adata = read(input, raw=raw)
    check_contents(adata, output)
    from scgce import tl

    if like is not None:
        tl.embed_new(adata, key=key or _default_key(method), reference=read(like, name="like"), layer=layer)
        write(adata, output)
        return
    given: dict[str, Any] = {"batch_size": batch_size, "learning_rate": learning_rate, "layer": layer, "key_added": key}
    options = {name: value for name, value in given.items() if value is not None} | {"rng": seed, "device": device}
    if method == "distill":
        tl.distill(adata, str(use_rep), **options)
    else:
        options |= {"n_components": n_components, "n_epochs": epochs}
        options |= {} if use_rep is None else {"use_rep": use_rep}
        fit = {"scvis": tl.scvis, "autoencoder": tl.autoencoder, "umap-loss": tl.umap_loss}[method]
        fit(adata, **options)
    write(adata, output)


def _default_key(method: str) -> str:
    return f"X_{method.replace('-', '_')}"
