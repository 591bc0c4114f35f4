"""`tl.random_genes`: what k genes reach when nothing chooses them."""

from __future__ import annotations

import torch

from scgce.core.choose.baselines import random_k
from scgce.core.choose.select import Explained
from scgce.core.translations import Translations
from scgce.explain.baseline import Setting, baseline


@baseline(amplitude=1.0)
def random_genes(setting: Setting) -> list[Explained]:
    """Explain groups by the difference between their means on k genes drawn at random, the same for all pairs.

    The floor that any choice of genes must rise above. The genes of a smaller k are among those of a larger one.
    """
    means, seed = torch.from_numpy(setting.prepared.means), setting.prepared.seed
    drawn = [(k, Translations.of_dense(random_k(means, k, seed))) for k in setting.sparsities]
    return [setting.by_basis(k, translations, cut=False) for k, translations in drawn]
