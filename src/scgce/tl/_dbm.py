"""`tl.dbm`: the difference between means, the baseline every explanation stands beside."""

from __future__ import annotations

import torch

from scgce.core.choose.select import Explained
from scgce.core.translations import Translations
from scgce.explain.baseline import Setting, baseline


@baseline(amplitude=1.0)
def dbm(setting: Setting) -> list[Explained]:
    """Explain groups by the difference between their means, cut to the k genes with the largest difference.

    The naive baseline of the paper (section 1), stored in the form of `tl.tgt`: every ``get.*`` and ``pl.*`` reads it.
    ``sparsity=adata.n_vars`` keeps all genes. With the arguments of a `tl.tgt` call (``rng`` included) it is scored on
    the same cells.
    """
    translations = Translations.of_dense(torch.from_numpy(setting.prepared.means))
    return [setting.by_basis(k, translations, cut=True) for k in setting.sparsities]
