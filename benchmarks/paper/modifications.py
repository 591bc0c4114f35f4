"""Table 4, Figures 27 to 32: a shifted copy of a group is added; is the shift found, and is the rest left alone?"""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

import scgce
from scgce.datasets import MODIFICATIONS, modified
from scgce.encoders import encoder_from_uns

from . import maps
from .studies import STUDIES, Settings


def run(settings: Settings) -> None:
    found, changed = zip(*maps.each(one, settings, STUDIES), strict=True)
    settings.table(pd.concat(found, ignore_index=True), "fig27_29_recovered")
    settings.table(pd.concat(changed, ignore_index=True), "fig30_32_changes")


def group_to_modify(adata: ad.AnnData, name: str) -> str:
    """The group that stays within [0, 1] best when shifted (the paper's first criterion); the larger one of two."""
    change = MODIFICATIONS[name]
    columns = adata.var_names.get_indexer(list(change.features))
    inside = {}
    for group, rows in adata.obs.groupby("group", observed=True).indices.items():
        moved = adata.X[rows][:, columns] + np.array(change.shift)
        # A tenth beyond the range is what the noise alone does.
        inside[str(group)] = ((moved > -0.1) & (moved < 1.1)).mean()
    return max(inside, key=lambda g: (round(inside[g], 2), -int(g)))


def one(name: str, seed: int, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Original, modified (same encoder) and retrained explanations of one encoder."""
    original = maps.load(name, seed, settings)
    change, group = MODIFICATIONS[name], group_to_modify(original, name)
    larger = modified(original, group, change.features, change.shift, change.width, rng=seed)
    versions = {"modified": larger, "retrained": larger.copy()}
    larger.obsm[maps.MAP] = encoder_from_uns(larger.uns[maps.MAP]["encoder"])(np.asarray(larger.X))
    maps.train(versions["retrained"], name, seed + 1000)
    found, changed = [], []
    for version, adata in versions.items():
        maps.explain(adata, name)
        label = {"dataset": name, "seed": seed, "version": version}
        found.append(recovered(adata, name).assign(**label, group=group))
        changed.append(unchanged(original, adata, name).assign(**label))
    return pd.concat(found), pd.concat(changed)


def recovered(adata: ad.AnnData, name: str) -> pd.DataFrame:
    """The explanation from the group to its modified copy, beside the truth, one row a feature."""
    truth = adata.uns["modification"]
    frame = scgce.get.explanation(adata, truth["group"], truth["new_group"], sparsity=STUDIES[name].shown)
    amounts = frame.set_index("gene")["delta"].reindex(adata.var_names, fill_value=0.0)
    rank = amounts.abs().rank(ascending=False, method="first").astype(int)
    metrics = scgce.get.metrics(adata, sparsity=STUDIES[name].shown)
    pair = metrics[(metrics["source"] == truth["group"]) & (metrics["target"] == truth["new_group"])].iloc[0]
    table = pd.DataFrame(
        {"feature": adata.var_names, "true_shift": truth["delta"], "delta": amounts.to_numpy(), "rank": rank.to_numpy()}
    )
    return table.assign(correctness=pair["correctness"], coverage=pair["coverage"])


def unchanged(original: ad.AnnData, adata: ad.AnnData, name: str) -> pd.DataFrame:
    """Change of the explanation of every original pair, relative to its size (L1)."""
    shown = STUDIES[name].shown
    frame = scgce.get.changes(original, adata, sparsity=shown, other_sparsity=shown)
    sums = frame.assign(change=frame["change"].abs(), size=frame["delta"].abs())
    sums = sums.groupby(["source", "target"], observed=True)[["change", "size"]].sum().reset_index()
    same = (
        frame[(frame["delta"] != 0) & (frame["delta_other"] != 0)].groupby(["source", "target"], observed=True).size()
    )
    shared = same.reindex(pd.MultiIndex.from_frame(sums[["source", "target"]]), fill_value=0).to_numpy() / shown
    return sums.assign(relative_change=sums["change"] / sums["size"], shared_features=shared)
