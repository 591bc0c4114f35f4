"""Whether an encoder can take what a translation makes of cells, tried before the fit."""

from __future__ import annotations

import torch

from scgce.core.choose.truncate import SparseDelta
from scgce.core.pairs import Asked, sampled
from scgce.core.score.cells import Cells
from scgce.core.solve.penalties import Gap
from scgce.core.solve.problem import Problem
from scgce.encoders import Encoder

_PAIRS, _CELLS = 100, 5
"""Pairs of groups that are tried at most, and cells of each source."""
UNBOUNDED = 3.0
"""Times the real difference that is tried where nothing bounds the amounts."""


def check_moved(
    encoder: Encoder,
    problem: Problem,
    means: torch.Tensor,
    gap: Gap | None,
    fit: Cells,
    asked: Asked | None,
    *,
    amplitude: float | None,
    seed: int,
) -> None:
    """Raise if the encoder returns NaN for means or cells that are moved as far as the bounds allow.

    A module that takes a logarithm or a root inside can read every real cell, and breaks in the middle of the fit.
    Layers that are known cannot break, and are not tried.

    Parameters
    ----------
    problem
        Whose smooth part is evaluated at moved means.
    means
        (l, d) of the fitting cells.
    gap
        Bounds of the amounts; None: unbounded.
    fit
        The fitting cells, bounded as they are when translated.
    asked
        Pairs that are explained; None for all.
    amplitude, seed
        For the message, and for which pairs are tried.

    Raises
    ------
    ValueError
        It names the encoder and says what would help.
    """
    if encoder.kind != "module":
        return
    furthest = UNBOUNDED * means if gap is None else gap.translations(gap.upper)
    n_groups, n_bad, n_tried = len(means), 0, 0
    pairs = sampled(n_groups, asked, _PAIRS, seed)
    with torch.no_grad():
        for i, j in pairs:
            delta = furthest[j] - furthest[i]
            moved = problem.start[i] + (delta if problem.weights is None else delta @ problem.weights)
            found = [problem.tail(moved[None]).cpu()]
            genes = torch.nonzero(delta).flatten().cpu()
            rows = slice(fit.slices[i].start, min(fit.slices[i].stop, fit.slices[i].start + _CELLS))
            cells = fit.translator.translate(rows, SparseDelta(genes, delta.cpu()[genes].float()))
            found.append(fit.tail(cells).cpu().double())
            finite = torch.isfinite(torch.cat(found)).all(dim=1)
            n_bad, n_tried = n_bad + int((~finite).sum()), n_tried + len(finite)
    if n_bad:
        raise ValueError(_message(encoder.name, n_bad, n_tried, amplitude, bounded=fit.translator.bounds is not None))


def _message(name: str, n_bad: int, n_tried: int, amplitude: float | None, *, bounded: bool) -> str:
    reach = f"{UNBOUNDED:g} times the real difference (amplitude=None)" if amplitude is None else f"{amplitude=:g}"
    nonnegative = "nonnegative=True" if bounded else "nonnegative=True with clip='range'"
    return (
        f"encoder: {name} returns NaN or infinite values for {n_bad} of {n_tried} cells and means moved as far as "
        f"{reach} allows, though not for cells as they are: it probably takes a logarithm or root of values that moved "
        "below zero. Clamp its input inside (x.clamp(min=0)); or take the logarithm out of the module and explain it "
        f"(layer='log1p(counts)'); or, for a matrix without negative values, keep every mean above zero ({nonnegative})"
    )
