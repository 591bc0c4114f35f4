"""How the loss of an embedding fell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import NONE, TEXT, checked
from scgce._api.docs import with_docs
from scgce._api.errors import not_found
from scgce.pl._style import FAINT, INK, despine, finish, new_figure

_NOT_TERMS = ("step", "learning_rate")
_FEW = 3
"""Points of a curve that are drawn as such: of one there is no line."""
_INKS = ("#08408a", "#c26a00", "#2c7a3f", "#9b4f96", "#7a7a7a", "#b2182b")


def training_data(adata: AnnData, key: str | None = None) -> pd.DataFrame:
    """Read the history of an embedding.

    Returns
    -------
    ``step``, ``term``, ``value``; the terms by name, after ``loss``, their sum, and ``held_out``, the loss on cells
    that were not trained on.

    Raises
    ------
    KeyError
        If nothing with a history is stored under ``key``, or without one not exactly one embedding has a history.
    ValueError
        If the history is empty, as that of :func:`scgce.tl.distill`.
    """
    trained = [name for name, value in adata.uns.items() if isinstance(value, dict) and "history" in value]
    if key is None and len(trained) == 1:
        key = trained[0]
    entry = None if key is None else adata.uns.get(key)
    if not isinstance(entry, dict) or "history" not in entry:
        raise not_found("key", key, "the embeddings of adata.uns with a history", trained)
    history = {name: np.asarray(values, dtype=float) for name, values in entry["history"].items()}
    terms = [name for name, values in history.items() if name not in _NOT_TERMS and values.size]
    if not terms:
        raise ValueError(f"key={key!r}: its history is empty, nothing was recorded while it was fitted")
    terms.sort(key=lambda name: (name != "loss", name != "held_out", name))  # files do not keep the order
    length = max(history[name].size for name in terms)
    steps = history.get("step", np.arange(1, length + 1))
    frames = [
        pd.DataFrame({"step": steps[: history[name].size], "term": name, "value": history[name]}) for name in terms
    ]
    found = pd.concat(frames, ignore_index=True).dropna(subset="value", ignore_index=True)
    found.attrs = {"key": str(key)}
    return found


@checked(key=TEXT | NONE)
@with_docs
def training(
    adata: AnnData,
    key: str | None = None,
    *,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the loss of an embedding and its terms against the training step.

    Parameters
    ----------
    adata
        Annotated data with an embedding fitted by scgce.
    key
        Its key in ``adata.uns`` and ``adata.obsm``; None: the one that there is.
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If nothing with a history is stored under ``key``.
    ValueError
        If the history is empty, as that of :func:`scgce.tl.distill`.
    """
    frame = training_data(adata, key)
    place = new_figure(6.0, 3.8).add_subplot() if ax is None else ax
    for number, (term, part) in enumerate(frame.groupby("term", sort=False)):
        total = term in ("loss", "held_out")
        style: dict[str, Any] = {"linewidth": 2.0 if total else 1.2, "linestyle": "--" if term == "held_out" else "-"}
        style |= {"marker": "o", "markersize": 4} if len(part) < _FEW else {}
        color = INK if total else _INKS[number % len(_INKS)]
        place.plot(part["step"], part["value"], color=color, label=str(term).replace("_", " "), **style)
    if (frame["value"] > 0).all() and frame["value"].max() > 20 * frame["value"].min():
        place.set_yscale("log")
    place.set_xlabel("training step")
    place.set_ylabel("loss")
    place.set_title(frame.attrs["key"], fontsize="medium", parse_math=False)
    place.grid(axis="y", color=FAINT, linewidth=0.6)
    place.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1.0))
    despine(place)
    return finish(place, ax=ax, show=show, return_fig=return_fig)
