"""Figures 19 to 23: do the explanations agree with the labels that the encoder never saw?"""

from __future__ import annotations

import pandas as pd
from sklearn.tree import DecisionTreeClassifier

import scgce

from . import maps
from .studies import STUDIES, Settings


def run(settings: Settings) -> None:
    settings.table(decision_tree(), "fig19_tree")
    for name, function in {"iris": iris_seed, "boston_housing": boston_seed, "heart_disease": heart_seed}.items():
        settings.table(pd.concat(maps.each(function, settings), ignore_index=True), f"labels_{name}")


def decision_tree() -> pd.DataFrame:
    """How much each feature of Iris serves a tree of the labels."""
    adata = STUDIES["iris"].load(drop_first_row=True)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(adata.X, adata.obs["species"])
    table = pd.DataFrame({"feature": adata.var_names, "importance": tree.feature_importances_})
    return table.assign(accuracy=tree.score(adata.X, adata.obs["species"]))


def iris_seed(seed: int, settings: Settings) -> pd.DataFrame:
    """The one feature that each pair of groups uses."""
    adata = maps.load("iris", seed, settings)
    frame = scgce.get.pairs(adata, sparsity=1)
    frame = frame[frame["source"].astype(str) < frame["target"].astype(str)]
    purity = pd.crosstab(adata.obs["group"], adata.obs["species"]).max(axis=1).sum() / adata.obs["group"].notna().sum()
    return frame[["source", "target", "gene", "delta"]].assign(seed=seed, purity=purity)


def boston_seed(seed: int, settings: Settings) -> pd.DataFrame:
    """The pair of groups with the largest rise in price, and the pair that the river tells apart best."""
    adata = maps.load("boston_housing", seed, settings)
    price = adata.obs.groupby("group", observed=True)["MEDV"].median()
    dearest = (str(price.idxmin()), str(price.idxmax()))
    frame = scgce.get.pairs(adata, sparsity=5)
    river = frame[(frame["gene"] == "CHAS") & (frame["delta"] > 0)]
    chosen = {"price": dearest}
    if len(river):
        strongest = river.loc[river["delta"].idxmax()]
        chosen["river"] = (str(strongest["source"]), str(strongest["target"]))
    parts = []
    for role, (source, target) in chosen.items():
        part = scgce.get.explanation(adata, source, target, sparsity=5)
        part = part[["gene", "delta", "mean_difference"]].assign(role=role, source=source, target=target, seed=seed)
        parts.append(part.assign(price_change=price[target] - price[source]))
    return pd.concat(parts)


def heart_seed(seed: int, settings: Settings) -> pd.DataFrame:
    """From the middle one of the three largest groups to the others: three features, and what becomes of the risk."""
    adata = maps.load("heart_disease", seed, settings)
    ill = adata.obs["heart_disease"] == "heart disease"
    risk = ill.groupby(adata.obs["group"], observed=True).mean()
    women = pd.Series(adata.layers["original"][:, adata.var_names.get_loc("sex")] == 0, index=adata.obs_names)
    women = women.groupby(adata.obs["group"], observed=True).mean()
    order = [str(g) for g in risk.sort_values().index if str(g) in {"0", "1", "2"}]
    parts = []
    for source, target in ((order[1], order[0]), (order[1], order[2])):
        part = scgce.get.explanation(adata, source, target, sparsity=3)
        part = part[["gene", "delta", "mean_difference"]].assign(source=source, target=target, seed=seed)
        part = part.assign(risk_source=risk[source], risk_target=risk[target])
        parts.append(part.assign(women_source=women[source], women_target=women[target]))
    return pd.concat(parts)
