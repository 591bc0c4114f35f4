"""Tables 2 and 3, Figures 19 to 23: do the explanations agree with the labels that the encoder never saw?"""

from __future__ import annotations

import anndata as ad
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, plot_tree

import scgce

from . import maps
from .output import save_figure, save_table
from .settings import Settings
from .studies import STUDIES


def run(settings: Settings) -> None:
    label_tables(settings)
    decision_tree(settings)
    jobs = [(seed,) for seed in settings.seeds]
    for name, function in {"iris": iris_seed, "boston_housing": boston_seed, "heart_disease": heart_seed}.items():
        table = pd.concat(maps.each(function, jobs, settings), ignore_index=True)
        save_table(table, f"labels_{name}", settings)


def label_tables(settings: Settings) -> None:
    """Labels in the groups of the first seed."""
    for name, table in (("iris", "table2_iris"), ("heart_disease", "table3_heart_disease")):
        adata = maps.load(name, 0, settings)
        counts = pd.crosstab(adata.obs["group"], adata.obs[STUDIES[name].label])
        save_table(counts.reset_index(), table, settings)
    adata = maps.load("boston_housing", 0, settings)
    prices = adata.obs.groupby("group", observed=True)["MEDV"]
    save_table(prices.describe()[["count", "mean", "min", "25%", "50%", "75%", "max"]].reset_index(), "fig21", settings)
    figure, ax = plt.subplots(figsize=(5, 3.5))
    ax.boxplot([p.to_numpy() for _, p in prices], tick_labels=[g for g, _ in prices])
    ax.set(xlabel="group", ylabel="MEDV, $1,000")
    save_figure(figure, "fig21_boston_prices", settings)


def decision_tree(settings: Settings) -> None:
    """Figure 19, on the labels, and how much each feature serves it."""
    adata = maps.load("iris", 0, settings)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(adata.X, adata.obs["species"])
    table = pd.DataFrame({"feature": adata.var_names, "importance": tree.feature_importances_})
    save_table(table.assign(accuracy=tree.score(adata.X, adata.obs["species"])), "fig19_tree", settings)
    figure, ax = plt.subplots(figsize=(7, 4))
    plot_tree(tree, feature_names=list(adata.var_names), class_names=list(tree.classes_), ax=ax, fontsize=7)
    save_figure(figure, "fig19_tree", settings)


def iris_seed(seed: int, settings: Settings) -> pd.DataFrame:
    """The one feature that each pair of groups uses."""
    adata = maps.load("iris", seed, settings)
    frame = scgce.get.pairs(adata, sparsity=1)
    if seed == 0:
        for target in ("1", "2"):
            draw(adata, "0", target, f"fig20_iris_0_{target}", 1, settings)
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
        if seed == 0:
            draw(adata, source, target, f"fig22_boston_{role}", 5, settings)
    return pd.concat(parts)


def heart_seed(seed: int, settings: Settings) -> pd.DataFrame:
    """For every pair of the three largest groups: three features, and what becomes of the risk."""
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
        if seed == 0:
            role = "lower_risk" if target == order[0] else "higher_risk"
            draw(adata, source, target, f"fig23_heart_{role}", 3, settings)
    return pd.concat(parts)


def draw(adata: ad.AnnData, source: str, target: str, name: str, sparsity: int, settings: Settings) -> None:
    figure = scgce.pl.explanation(adata, source, target, sparsity=sparsity, basis=maps.MAP, return_fig=True, show=False)
    save_figure(figure, name, settings)
