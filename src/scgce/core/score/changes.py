"""What a translation really does to cells: the mean of t(x) − x, which bounds make smaller than the amounts."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from scgce.core.choose.truncate import PairCuts, SparseDelta
from scgce.core.pairs import by_source, listed

from . import kernels
from .cells import Cells

_BLOCK_ENTRIES = 2**23


def mean_changes(cells: Cells, cuts: PairCuts, pairs: Iterable[tuple[int, int]] | None = None) -> PairCuts:
    """Mean of t(x) − x over the cells of the source, gene by gene, for every ordered pair.

    Parameters
    ----------
    cells
        With the bounds under which they are translated; without bounds the change is the amount itself.
    cuts
        Explanations of the pairs.
    pairs
        Ordered pairs wanted; all by default.

    Returns
    -------
    For i → j the genes of its explanation and float32 changes, at most as large as the amounts and of their sign as
    long as the cells lie within the bounds.
    """
    n = cells.n_groups
    wanted = listed(n) if pairs is None else list(pairs)
    if cells.translator.bounds is None:
        return PairCuts.given({pair: _in_float32(cuts(*pair)) for pair in wanted}, n, cuts.n_genes)
    found: dict[tuple[int, int], SparseDelta] = {}
    for i, some in by_source(wanted).items():
        deltas = dict(zip(some, cuts.several(i, some), strict=True))
        found |= {(i, j): delta for j, delta in _of_source(cells, cells.slices[i], deltas).items()}
    return PairCuts.given(found, n, cuts.n_genes)


def _in_float32(delta: SparseDelta) -> SparseDelta:
    return SparseDelta(delta.genes, delta.values.float())


def _of_source(cells: Cells, rows: slice, deltas: dict[int, SparseDelta]) -> dict[int, SparseDelta]:
    """Each target's, from one look at the expression of the genes that any of them moves."""
    translator = cells.translator
    changes = {j: torch.zeros(delta.genes.numel()) for j, delta in deltas.items()}
    genes = torch.cat([delta.genes for delta in deltas.values()]).unique()
    if translator.bounds is None or translator.columns is None or not len(genes):
        return {j: _in_float32(delta) for j, delta in deltas.items()}
    bounds = translator.bounds.to(torch.device("cpu"))
    for part in genes.split(max(1, _BLOCK_ENTRIES // max(1, rows.stop - rows.start))):
        x = translator.columns(rows, part).cpu().float().contiguous()
        low, high = bounds.low[part].numpy(), bounds.high[part].numpy()
        for j, delta in deltas.items():
            here = (delta.genes >= part[0]) & (delta.genes <= part[-1])
            place = torch.searchsorted(part, delta.genes[here])
            steps = kernels.mean_steps(x.numpy(), low, high, place.numpy(), delta.values[here].float().numpy())
            changes[j][here] = torch.from_numpy(steps)
    return {j: SparseDelta(delta.genes, changes[j]) for j, delta in deltas.items()}
