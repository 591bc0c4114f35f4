"""The paper's example with a known causal structure."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from scgce._api.constraints import checked, whole

#: Causes (x1, x2) of groups 0 to 3, in the order that the paper's Table 1 implies.
CAUSES = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


@checked(n=whole(1))
def synthetic(n: int = 400, rng: int | np.random.Generator = 0) -> ad.AnnData:
    """Four features of which two cause four groups (the paper's section 4.2).

    ``x1, x2 ~ Bernoulli(0.5) + N(0, 0.2)`` cause the groups, ``x3 ~ N(0, 0.5)`` is noise and
    ``x4 ~ x1 + N(0, 0.05)`` is an effect of x1 that causes nothing. The second arguments are standard deviations.

    Parameters
    ----------
    n
        Number of points.
    rng
        Seed or generator.

    Returns
    -------
    AnnData with float32 ``X`` of shape ``(n, 4)`` and

    ``obs["group"]``
        True group, "0" to "3"; a group may be empty if n is small.
    ``var["role"]``
        "cause", "noise" or "effect".
    ``uns["truth"]``
        ``groups`` ``(4,)`` and ``deltas`` ``(4, 4)``: the causal translation from group 0 to each group, with zeros
        for x3 and x4.
    ``uns["description"]``
        What was drawn.

    Raises
    ------
    ValueError, TypeError
        If n is not a whole number above 0.
    """
    rng = np.random.default_rng(rng)
    codes = rng.integers(0, len(CAUSES), n)
    causes = CAUSES[codes] + rng.normal(0.0, 0.2, (n, 2))
    noise = rng.normal(0.0, 0.5, n)
    effect = causes[:, 0] + rng.normal(0.0, 0.05, n)
    groups = np.array([str(g) for g in range(len(CAUSES))], dtype=object)
    adata = ad.AnnData(
        X=np.column_stack([causes, noise, effect]).astype(np.float32),
        obs=pd.DataFrame(
            {"group": pd.Categorical.from_codes(codes, categories=list(groups))}, index=[str(i) for i in range(n)]
        ),
        var=pd.DataFrame({"role": ["cause", "cause", "noise", "effect"]}, index=["x1", "x2", "x3", "x4"]),
    )
    deltas = np.zeros((len(CAUSES), 4), dtype=np.float32)
    deltas[:, :2] = CAUSES - CAUSES[0]
    adata.uns["truth"] = {"groups": groups, "deltas": deltas}
    adata.uns["description"] = (
        f"{n} points of the causal example: x1 and x2 cause the groups, x3 is noise, x4 follows x1"
    )
    return adata
