"""`tl.dbm`: the difference between means, the baseline every explanation stands beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from anndata import AnnData

from scgce._api.constraints import checked
from scgce.core.choose.select import Explained
from scgce.core.translations import Translations
from scgce.explain.baseline import Setting, run_baseline


@checked(sparsity=None)
def dbm(
    adata: AnnData,
    groupby: str | Sequence[str] = "leiden",
    *,
    use_rep: str | None = None,
    encoder: Any = None,
    layer: str | None = None,
    groups: Literal["all"] | Sequence[str] = "all",
    reference: str | None = None,
    sparsity: Literal["auto"] | int | Sequence[int] = "auto",
    clip: Literal["range", "zero"] | bool | None = "range",
    epsilon: float | Literal["mean", "max"] | None = None,
    validation_fraction: float = 0.25,
    split_by: str | None = None,
    judges: bool | Mapping[str, Any] = True,
    min_cells: int = 3,
    rng: int | np.random.Generator = 0,
    device: str = "auto",
    key_added: str = "dbm",
    copy: bool = False,
) -> AnnData | None:
    """Explain groups by the difference between their means, cut to the k genes with the largest difference.

    The naive baseline of the paper (section 1), stored in the form of `tl.tgt`: every ``get.*`` and ``pl.*`` reads it.
    ``sparsity=adata.n_vars`` keeps all genes. With the arguments of a `tl.tgt` call (``rng`` included) it is scored on
    the same cells.

    Parameters
    ----------
    adata, groupby, use_rep, encoder, layer, groups, reference, sparsity, clip, epsilon, validation_fraction, split_by
        As in `tl.tgt`.
    judges, min_cells, rng, device, key_added, copy
        As in `tl.tgt`.

    Returns
    -------
    None, or the copy. Sets ``adata.uns[key_added]`` as `tl.tgt` does, without ``path``.

    Raises
    ------
    KeyError, ValueError, TypeError
        As in `tl.tgt`; ``adata`` is left as it was.
    """

    def explain(setting: Setting) -> list[Explained]:
        translations = Translations.of_dense(torch.from_numpy(setting.prepared.means))
        return [setting.by_basis(k, translations, cut=True) for k in setting.sparsities]

    return run_baseline(
        adata,
        groupby,
        "dbm",
        explain,
        amplitude=1.0,
        sparsity=sparsity,
        clip=clip,
        epsilon=epsilon,
        judges=judges,
        key_added=key_added,
        copy=copy,
        use_rep=use_rep,
        encoder=encoder,
        layer=layer,
        groups=groups,
        reference=reference,
        validation_fraction=validation_fraction,
        split_by=split_by,
        min_cells=min_cells,
        rng=rng,
        device=device,
    )
