"""Supports that keep the explanations consistent: which steps of which genes stay open, at most k genes a pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import torch

from scgce.core.linked import stacked
from scgce.core.pairs import Asked, mask_of
from scgce.core.translations import Translations

_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True)


@_jit
def _kept(places: Any, rank: Any, pairs: Any, k: int) -> Any:
    """Which steps (l - 1, A) are opened, given their places in the order in which they are tried."""
    n_groups, n_genes = rank.shape
    counts = np.zeros((n_groups, n_groups), np.int64)
    apart = np.zeros((n_genes, n_groups, n_groups), np.bool_)
    kept = np.zeros((n_groups - 1, n_genes), np.bool_)
    room = len(pairs)  # pairs with fewer than k genes
    for place in places:
        if room == 0:
            break
        step, gene = place // n_genes, place % n_genes
        fits = True
        for i, j in pairs:
            differ = (rank[i, gene] > step) != (rank[j, gene] > step)
            if differ and not apart[gene, i, j] and counts[i, j] >= k:
                fits = False
                break
        if not fits:
            continue
        kept[step, gene] = True
        for i, j in pairs:
            if (rank[i, gene] > step) != (rank[j, gene] > step) and not apart[gene, i, j]:
                apart[gene, i, j] = True
                counts[i, j] += 1
                room -= counts[i, j] == k
    return kept


def close_least_steps(
    translations: Translations, strength: torch.Tensor, k: int, asked: Asked | None = None
) -> Translations:
    """Close steps until every pair of groups asked for differs in at most k genes.

    A step of a gene between two neighbouring levels tells all groups below it from all above it. Steps are opened one
    after the other, by how far each moves the hidden layer (its height times the gene's weight there), unless some
    pair would exceed k genes by it; the others stay closed.

    Parameters
    ----------
    translations
        Of all groups on A genes.
    strength
        (d,) length of every gene's row in the encoder's first linear map.
    k
        Most genes per pair, at least 1.
    asked
        The pairs; None for all.

    Returns
    -------
    Translations with exact ties where steps were closed. Still consistent: they are differences of per-group rows.
    """
    ordered, order = stacked(translations.values.cpu(), asked).sort(dim=0, stable=True)
    steps = ordered.diff(dim=0)
    effect = (steps * strength[translations.genes].cpu()).flatten()
    places = effect.argsort(descending=True, stable=True)[: int((effect > 0).sum())]
    pairs = np.argwhere(np.triu(mask_of(translations.n_groups, asked)))
    kept = torch.from_numpy(_kept(places.numpy(), order.argsort(dim=0).numpy(), pairs, k))
    levels = torch.cat([steps.new_zeros(1, steps.shape[1]), torch.where(kept, steps, 0.0).cumsum(0)])
    levels, order = levels.to(translations.values), order.to(translations.values.device)
    values = torch.empty_like(levels).scatter_(0, order, levels)
    return Translations(translations.genes, values, translations.n_genes).drop_unused()
