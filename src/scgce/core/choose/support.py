"""Supports that keep the explanations consistent: which steps of which genes stay open, at most k genes a pair."""

from __future__ import annotations

import torch

from scgce.core.translations import Translations


def close_least_steps(translations: Translations, strength: torch.Tensor, k: int) -> Translations:
    """Close steps until every pair of groups differs in at most k genes.

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

    Returns
    -------
    Translations with exact ties where steps were closed. Still consistent: they are differences of per-group rows.
    """
    ordered, order = translations.values.sort(dim=0, stable=True)
    steps = ordered.diff(dim=0)
    n_steps, n_genes = steps.shape
    effect = (steps * strength[translations.genes]).flatten()
    rank = order.argsort(dim=0)
    counts = torch.zeros(n_steps + 1, n_steps + 1, dtype=torch.int64)
    apart = torch.zeros(n_genes, n_steps + 1, n_steps + 1, dtype=torch.bool)
    kept = torch.zeros_like(steps, dtype=torch.bool)
    own = k * torch.eye(n_steps + 1, dtype=torch.int64)
    for index in effect.argsort(descending=True, stable=True).tolist():
        if effect[index] <= 0 or int((counts + own).min()) >= k:  # no step, or no room in any pair
            break
        step, gene = divmod(index, n_genes)
        above = rank[:, gene] > step
        newly = (above[:, None] != above[None, :]) & ~apart[gene]
        if int((counts + newly).max()) > k:
            continue
        counts += newly
        apart[gene] |= newly
        kept[step, gene] = True
    levels = torch.cat([steps.new_zeros(1, n_genes), torch.where(kept, steps, 0.0).cumsum(0)])
    values = torch.empty_like(levels).scatter_(0, order, levels)
    return Translations(translations.genes, values, translations.n_genes).drop_unused()
