"""The tables of docs/paper.md, summed up from what the experiments wrote: ``python -m benchmarks.paper.shown``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from benchmarks._run import write

from .causal import DISTINCT, FEATURES, share_of_x4
from .studies import Settings

METHODS = {"paper": "TGT, the paper's fit", "default": "TGT, scgce's default", "dbm": "DBM"}
SCORES = ["correctness", "coverage"]
Tables = Callable[[str], pd.DataFrame]


def spread(values: pd.Series) -> str:
    """Mean ± standard deviation."""
    return "–" if values.isna().all() else f"{values.mean():.2f} ± {values.std():.2f}"


def tradeoff(tables: Tables) -> pd.DataFrame:
    names = {f"{key}{score}": f"{name} {score}" for key, name in (("", "TGT"), ("dbm_", "DBM")) for score in SCORES}
    names["similarity"] = "similarity to more features"
    by = tables("fig7_tradeoff").groupby(["dataset", "sparsity"], sort=False)[[*names]]
    return by.agg(spread).reset_index().rename(columns=names | {"sparsity": "k"})


def published(tables: Tables) -> pd.DataFrame:
    frame = tables("published_curves")
    table = frame[["dataset", "sparsity"]].rename(columns={"sparsity": "k"})
    names = {"tgt": "TGT, published", "dbm": "DBM, published", "exact": "scgce, exact", "refined": "scgce, refined"}
    for prefix, name in names.items():
        correctness, coverage = (frame[f"{prefix}_{score}"].map("{:.3f}".format) for score in SCORES)
        table[name] = correctness + " / " + coverage
    return table.assign(**{"triangle error, exact": frame["exact_triangle_error"].map("{:.2f}".format)})


def causal(tables: Tables) -> pd.DataFrame:
    frame = tables("table1_causal").query(f"agreement >= {DISTINCT} and sparsity == 4").replace({"method": METHODS})
    frame = frame.assign(translation="0 → " + frame["target"].astype(str), share=share_of_x4)
    by = frame.groupby(["translation", "method"])
    return by[FEATURES].agg(spread).assign(**{"share of x4": by["share"].mean().round(2)}).reset_index()


def causal_scores(tables: Tables) -> pd.DataFrame:
    frame = tables("fig17_18_causal_scores").query(f"agreement >= {DISTINCT}").replace({"method": METHODS})
    table = frame.groupby(["method", "sparsity"])[SCORES].agg(spread).reset_index()
    return table.rename(columns={"sparsity": "k"})


def attributions(tables: Tables) -> pd.DataFrame:
    """Share of each feature in the attributions of an encoder, and how far its pairs are from consistent."""
    frame = tables("a1_group_integrated_gradients").query(f"agreement >= {DISTINCT}")
    sizes = frame.assign(size=frame["attribution"].abs()).groupby(["seed", "feature"])["size"].mean().unstack()
    pairs = frame.drop_duplicates(["seed", "source", "target"])[["asymmetry", "triangle"]]
    return pd.concat([sizes.div(sizes.sum(axis=1), axis=0).agg(spread), pairs.agg(spread)]).to_frame().T


def iris(tables: Tables) -> pd.DataFrame:
    used = tables("labels_iris")["gene"].value_counts(normalize=True)
    table = tables("fig19_tree").drop(columns="accuracy").rename(columns={"importance": "importance in a tree"})
    return table.assign(**{"share of pairs that use it": table["feature"].map(used).fillna(0)}).round(2)


def housing(tables: Tables) -> pd.DataFrame:
    """In how many encoders each feature is raised or lowered from the cheapest group to the dearest."""
    table = tables("labels_boston_housing").query("role == 'price'")
    by = table.assign(up=table["delta"] > 0, down=table["delta"] < 0).groupby("gene")[["up", "down"]].sum()
    return by.assign(encoders=table["seed"].nunique()).rename_axis("feature").reset_index()


def labels(tables: Tables) -> pd.DataFrame:
    """What the labels say of the pairs that differ by the river, by angina and by sex."""
    river = tables("labels_boston_housing").query("role == 'river' and gene == 'CHAS'")
    heart = tables("labels_heart_disease")
    heart = heart.assign(women=heart["women_target"] - heart["women_source"])
    heart["risk"] = heart["risk_target"] - heart["risk_source"]
    angina = heart.query("gene == 'exang' and abs(delta) > 0.3")
    women = heart[heart["women"].abs() > 0.5].drop_duplicates(["seed", "source", "target"])
    # Read from less to more: where what is looked at falls, the pair counts backwards.
    found = {
        "Housing: river (thousand dollars of median price)": river["price_change"],
        "Heart: angina on exercise added (risk)": angina["risk"] * angina["delta"].gt(0).map({True: 1, False: -1}),
        "Heart: men to women (risk)": women["risk"] * women["women"].gt(0).map({True: 1, False: -1}),
    }
    return pd.DataFrame([{"pairs": name, "change": spread(v), "number": len(v)} for name, v in found.items()])


def recovered(tables: Tables) -> pd.DataFrame:
    by = tables("fig27_29_recovered").query("true_shift != 0")
    table = by.groupby(["dataset", "feature", "version", "true_shift"], sort=False)["delta"]
    table = table.agg([spread, lambda own: f"{(own != 0).sum()}/{len(own)}"]).reset_index()
    return table.set_axis(["data", "feature", "encoder", "true shift", "TGT", "used in"], axis=1)


def unchanged(tables: Tables) -> pd.DataFrame:
    """The median change of a pair's explanation relative to its size, over encoders."""
    frame = tables("fig30_32_changes").query("size > 0")
    by_seed = frame.groupby(["dataset", "version", "seed"], sort=False)
    found = by_seed.agg({"relative_change": "median", "shared_features": "mean"}).groupby(level=[0, 1], sort=False)
    return found.agg(spread).reset_index()


def risk(tables: Tables) -> pd.DataFrame:
    frame = tables("table3_published_groups").query("dataset == 'heart_disease'")
    table = frame.pivot(index="group", columns="label", values="count")
    table["share with disease"] = (table["heart disease"] / table.sum(axis=1)).round(2)
    return table.assign(women=frame.groupby("group")["share_of_women"].first()).reset_index()


def single_cell(tables: Tables) -> pd.DataFrame:
    frame = tables("fig7_single_cell").rename(columns={"sparsity": "k", "n_cells": "cells", "n_genes": "genes"})
    by = frame.groupby(["data", "cells", "genes", "method", "k"], sort=False)
    table = by[[*SCORES, "similarity"]].agg(spread).assign(encoders=by.size()).reset_index()
    return table.sort_values(["method", "k"], ascending=[False, True], kind="stable")


SHOWN = (
    *(tradeoff, published, causal, causal_scores, attributions, iris, housing, labels, recovered, unchanged, risk),
    single_cell,
)


def read(settings: Settings, name: str) -> pd.DataFrame:
    """A table that an experiment wrote."""
    return pd.read_csv(settings.results / f"{name}.csv")


def run(settings: Settings) -> None:
    """Write ``shown/NAME.csv`` of every table whose experiments have been run."""
    for make in SHOWN:
        try:
            table = make(partial(read, settings))
        except FileNotFoundError:
            continue
        write(table, settings.results / "shown" / f"{make.__name__}.csv")


if __name__ == "__main__":
    run(Settings())
