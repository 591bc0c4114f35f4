"""The claims of the paper against our tables: what we measured, and the rule by which it confirms a claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pandas as pd

from .causal import DISTINCT, FEATURES, share_of_x4
from .studies import STUDIES, Settings

CONFIRMED, PARTLY, REFUTED = "confirmed", "partly", "not confirmed"
#: A difference of this size in a mean over pairs is not called one.
TIE = 0.02
Finding = tuple[str, str]
Tables = Callable[[str], pd.DataFrame]
CLAIMS: list[tuple[str, str, Callable[[Tables], Finding]]] = []
"""The claim, where the paper makes it, and what judges it; in the order of the page."""


def claim(text: str, place: str, names: Iterable[str] = (), **given: Any) -> Callable[..., Any]:
    """What is decorated judges a claim; with names one claim for each study."""

    def add(judge: Callable[..., Finding]) -> Callable[..., Finding]:
        for name in names:
            CLAIMS.append((f"{text}: {STUDIES[name].title}", place, partial(judge, name=name)))
        if not names:
            CLAIMS.append((text, place, partial(judge, **given)))
        return judge

    return add


def run(settings: Settings) -> None:
    """Judge every claim whose tables exist and write ``claims.csv``."""

    def tables(name: str) -> pd.DataFrame:
        return pd.read_csv(settings.results / f"{name}.csv", dtype={"source": str, "target": str, "group": str})

    rows = []
    for text, place, judge in CLAIMS:
        try:
            verdict, measured = judge(tables)
        except FileNotFoundError:
            continue
        rows.append({"claim": text, "paper": place, "measured": measured, "verdict": verdict})
    settings.table(pd.DataFrame(rows), "claims")


def graded(value: float, confirmed: float, partly: float) -> str:
    """At least *confirmed*, at least *partly*, or less."""
    return CONFIRMED if value >= confirmed else PARTLY if value >= partly else REFUTED


def spread(values: pd.Series) -> str:
    """Mean ± standard deviation."""
    return f"{values.mean():.2f} ± {values.std():.2f}"


def where(table: pd.DataFrame, **equal: object) -> pd.DataFrame:
    """Rows in which every named column has the given value."""
    for column, value in equal.items():
        table = table[table[column] == value]
    return table


def distinct(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the encoders whose map shows the four groups of the causal example."""
    return table[table["agreement"] >= DISTINCT]


def correctness(tables: Tables, name: str) -> pd.DataFrame:
    """Figure 7: a row for every encoder, a column for every sparsity."""
    return where(tables("fig7_tradeoff"), dataset=name).pivot(index="seed", columns="sparsity", values="correctness")


def gain_over_dbm(table: pd.DataFrame, ours: str = "") -> pd.Series:
    """Of the mean of correctness and coverage."""
    gains = [table[f"{ours}{score}"] - table[f"dbm_{score}"] for score in ("correctness", "coverage")]
    return (gains[0] + gains[1]) / 2


@claim("A translation explains groups of equal spread; unequal spread costs coverage or correctness", "Fig. 4–6")
def translations(tables: Tables) -> Finding:
    table = tables("fig4_6_variance").set_index("figure")[["correctness", "coverage"]]
    text = "; ".join(
        f"{f.replace('fig', 'Fig. ')} {r['correctness']:.2f}/{r['coverage']:.2f}" for f, r in table.iterrows()
    )
    equal, narrow, wide = (table.loc[f] for f in ("fig4", "fig5", "fig6"))
    holds = equal.min() > 0.85 and narrow["correctness"] > 0.9 > narrow["coverage"]
    return CONFIRMED if holds and wide["coverage"] > 0.9 > wide["correctness"] else PARTLY, text


@claim("TGT does at least as well as DBM at every sparsity", "Fig. 7", STUDIES)
def at_least_dbm(tables: Tables, name: str) -> Finding:
    table, shown = where(tables("fig7_tradeoff"), dataset=name), STUDIES[name].shown
    share = float((gain_over_dbm(table) >= -TIE).mean())
    at = table[table["sparsity"] == shown]
    texts = [f"{c} {spread(at[c])} against {spread(at['dbm_' + c])}" for c in ("correctness", "coverage")]
    text = f"no worse than DBM in {share:.0%} of encoders × sparsities; k = {shown}: {', '.join(texts)}"
    return graded(share, 0.95, 0.5), text


@claim("The same in the authors' own published numbers (Iris, Heart)", "Fig. 7")
def at_least_dbm_published(tables: Tables) -> Finding:
    table = tables("published_curves")
    share = float((gain_over_dbm(table, "tgt_") >= -TIE).mean())
    heart = table[(table["dataset"] == "heart_disease") & (table["sparsity"] >= 5)]
    difference = (heart["tgt_correctness"] - heart["dbm_correctness"]).mean()
    text = f"within {TIE} or above in {share:.0%} of the published sparsities; "
    return graded(share, 0.95, 0.5), text + f"Heart, k ≥ 5: correctness {difference:+.3f}"


@claim("On single cells TGT is far better than DBM at k = 250, and more so for smaller k", "Fig. 7, 16")
def single_cell(tables: Tables) -> Finding:
    curves = tables("fig7_single_cell")
    table = curves.pivot(index="seed", columns=["method", "sparsity"], values="correctness")
    gains = (table["TGT"] - table["DBM"]).mean()
    everything = curves["n_genes"].iloc[0]
    texts = [
        f"{'all genes' if k == everything else f'k = {k}'}: {spread(table['TGT'][k])} against {spread(table['DBM'][k])}"
        for k in gains.index
    ]
    gains = gains.drop(everything, errors="ignore")
    falling = gains.iloc[0] >= gains.iloc[-1]
    verdict = CONFIRMED if gains[250] > 0.1 and falling else PARTLY if gains[250] > TIE else REFUTED
    return verdict, "correctness " + "; ".join(texts)


@claim("Iris: k = 1 is almost as good as k = 4", "§4.1")
def flat_on_iris(tables: Tables) -> Finding:
    table = correctness(tables, "iris")
    text = f"correctness {spread(table[1])} at k = 1, {spread(table[4])} at k = 4"
    return graded(-(table[4] - table[1]).mean(), -0.05, -0.15), text


# Of two decorators the lower one comes first.
@claim("Heart Disease: sharp drop below k = 3", "§4.1", name="heart_disease", k=3, below=1)
@claim("Boston Housing: sharp drop below k = 5", "§4.1", name="boston_housing", k=5, below=3)
def drop_below(tables: Tables, name: str, k: int, below: int) -> Finding:
    table = correctness(tables, name)
    drop, rest = (table[k] - table[below]).mean(), (table.max(axis=1) - table[k]).mean()
    text = f"correctness {spread(table[below])} at k = {below}, {spread(table[k])} at k = {k}, {rest:.2f} more at best"
    return CONFIRMED if drop > 0.1 and rest < 0.1 else PARTLY if drop > 0.1 or drop > rest else REFUTED, text


@claim("Sparser explanations use a subset of the features of denser ones", "Fig. 7")
def nested(tables: Tables) -> Finding:
    means = tables("fig7_tradeoff").groupby("dataset", sort=False)["similarity"].mean()
    text = "mean similarity " + ", ".join(f"{STUDIES[d].title} {v:.2f}" for d, v in means.items())
    return graded(float(means.min()), 0.9, 0.7), text


@claim("Explanations are symmetric and transitive by design", "§3.2")
def transitive(tables: Tables) -> Finding:
    worst = tables("published_curves").groupby("dataset")["exact_triangle_error"].max()
    text = "exact before the cut to k features; after it the largest triangle error is "
    return PARTLY, text + ", ".join(f"{STUDIES[d].title} {v:.2f}" for d, v in worst.items())


@claim("The same with scgce's default fit", "–", method="default")
@claim("TGT leaves out x4, which causes nothing (the paper's fit)", "Table 1", method="paper")
def without_x4(tables: Tables, method: str) -> Finding:
    table = where(tables("table1_causal"), method=method, sparsity=4)
    n_maps = table["seed"].nunique()
    table = distinct(table)
    table = table.assign(share=share_of_x4(table))
    # Only translations that change x1 at all can be tempted by x4.
    tempted = table[table["target"].astype(str) != "2"]
    per_seed = tempted.groupby("seed")["share"].mean()
    free = float((per_seed < 0.05).mean())
    noise = (table["x3"].abs() / table[FEATURES].abs().sum(axis=1)).mean()
    text = f"x4 carries {spread(per_seed)} of the amount where x1 changes (x3: {noise:.2f}); "
    text += f"below 0.05 for {free:.0%} of the {len(per_seed)} (of {n_maps}) encoders that show the four groups"
    two = distinct(where(tables("table1_causal"), method=method, sparsity=2))
    two = two[two["target"].astype(str) != "2"]
    first = (two["x1"].abs() > two["x4"].abs()).groupby(two["seed"]).mean()
    text += f"; with two features a pair, x1 rather than x4 in {first.mean():.0%} of the translations"
    return graded(free, 0.9, 0.3), text


@claim("TGT and DBM explain the causal example equally well", "Fig. 17, 18")
def equally_good(tables: Tables) -> Finding:
    table = distinct(where(tables("fig17_18_causal_scores"), sparsity=4))
    means = table.groupby("method")[["correctness", "coverage"]].mean()
    gap = float((means.loc["paper"] - means.loc["dbm"]).abs().max())
    tgt, dbm = (f"{row['correctness']:.2f}/{row['coverage']:.2f}" for row in (means.loc["paper"], means.loc["dbm"]))
    return graded(-gap, -0.05, -0.1), f"correctness/coverage: TGT {tgt}, DBM {dbm}"


@claim("Group Integrated Gradients ignore x3 but mark x4", "App. A.1")
def attributions(tables: Tables) -> Finding:
    table = distinct(tables("a1_group_integrated_gradients"))
    sizes = table.assign(size=table["attribution"].abs()).groupby(["seed", "feature"])["size"].mean().unstack()
    shares = sizes.div(sizes.sum(axis=1), axis=0)
    text = "share of the attribution: " + ", ".join(f"{f} {spread(shares[f])}" for f in FEATURES)
    return CONFIRMED if shares["x4"].mean() > 0.1 and shares["x3"].mean() < 0.1 else PARTLY, text


@claim("Group Integrated Gradients are not consistent", "App. A.1")
def inconsistent(tables: Tables) -> Finding:
    pairs = distinct(tables("a1_group_integrated_gradients")).drop_duplicates(["seed", "source", "target"])
    text = f"asymmetry {spread(pairs['asymmetry'])}, triangle error {spread(pairs['triangle'])} of the attribution"
    return graded(float(pairs["triangle"].mean()), 0.1, 0.02), text


@claim("Iris: one feature, mostly Petal Width, as in a decision tree", "Fig. 19, 20")
def petal_width(tables: Tables) -> Finding:
    genes = tables("labels_iris")["gene"]
    share, petal = float((genes == "Petal Width").mean()), float(genes.str.startswith("Petal").mean())
    tree = tables("fig19_tree").set_index("feature")["importance"]["Petal Width"]
    text = f"Petal Width in {share:.0%} of the pairs, a petal in {petal:.0%}; tree: Petal Width {tree:.2f}"
    return graded(share, 0.8, 0.4 if petal > 0.8 else 0.5), text


@claim("Boston: cheap and dear groups differ as urban and suburban (ZN, B up; RAD, TAX down)", "Fig. 22")
def suburbs(tables: Tables) -> Finding:
    table = where(tables("labels_boston_housing"), role="price")
    seeds = table["seed"].nunique()
    signs = {"ZN": 1, "B": 1, "RAD": -1, "TAX": -1}
    agree = {f: int(((table["gene"] == f) & (table["delta"] * s > 0)).sum()) for f, s in signs.items()}
    words = {1: "up", -1: "down"}
    text = ", ".join(f"{f} {words[s]} {agree[f]}/{seeds}" for f, s in signs.items())
    return graded(sum(agree.values()) / (4 * seeds), 0.75, 0.3), f"dearest against cheapest group: {text}"


@claim("Boston: groups of equal price that differ by the Charles river", "Fig. 22")
def river(tables: Tables) -> Finding:
    table = where(tables("labels_boston_housing"), role="river", gene="CHAS")
    seeds = tables("labels_boston_housing")["seed"].nunique()
    close = float((table["price_change"].abs() < 5).sum()) / seeds
    text = f"a pair that CHAS tells apart in {len(table)}/{seeds} encoders; median price then changes by "
    text += f"{spread(table['price_change'])} thousand, by less than 5 in {close:.0%}"
    return graded(close, 0.75, 0.25), text


@claim("Heart: a low-risk group has its symptoms from angina on exercise", "Fig. 23, Table 3")
def angina(tables: Tables) -> Finding:
    table = where(tables("labels_heart_disease"), gene="exang")
    table = table[table["delta"].abs() > 0.3]
    change = rise_of_risk(table, table["delta"])
    text = f"angina on exercise added: risk {spread(change)} higher ({len(change)} pairs); the paper's group 3, "
    text += f"called low risk, has {share_of_disease(tables, '3'):.0%} disease by UCI"
    return REFUTED if change.mean() > 0 else CONFIRMED, text


@claim("Heart: a high-risk group is made up of women", "Fig. 23, Table 3")
def women(tables: Tables) -> Finding:
    table = tables("labels_heart_disease")
    table = table[(table["women_target"] - table["women_source"]).abs() > 0.5]
    table = table.drop_duplicates(["seed", "source", "target"])
    change = rise_of_risk(table, table["women_target"] - table["women_source"])
    text = f"men → women: risk {spread(change)} ({len(change)} pairs); the paper's group 6 of women, called high risk, "
    text += f"has {share_of_disease(tables, '6'):.0%} disease by UCI"
    return REFUTED if change.mean() < 0 else CONFIRMED, text


def rise_of_risk(table: pd.DataFrame, along: pd.Series) -> pd.Series:
    """From source to target, or back where what is looked at falls."""
    return (table["risk_target"] - table["risk_source"]) * along.gt(0).map({True: 1, False: -1})


def share_of_disease(tables: Tables, group: str) -> float:
    """In one of the authors' groups."""
    published = where(tables("table3_published_groups"), dataset="heart_disease", group=group)
    counts = published.set_index("label")["count"]
    return float(counts["heart disease"] / counts.sum())


@claim("The modification is found, with the encoder and after retraining", "Fig. 27–29", STUDIES)
def recovered(tables: Tables, name: str) -> Finding:
    table = where(tables("fig27_29_recovered"), dataset=name)
    table = table[table["true_shift"] != 0]
    found = (table["rank"] <= table["feature"].nunique()) & (table["delta"] * table["true_shift"] > 0)
    ratio = table["delta"] / table["true_shift"]
    texts = []
    for version in ("modified", "retrained"):
        part = table["version"] == version
        texts.append(f"{version}: {found[part].mean():.0%} found, amount {spread(ratio[part])} of the true one")
    return graded(float(found.groupby(table["version"]).mean().min()), 0.9, 0.5), "; ".join(texts)


@claim("They stay generally similar when the encoder is retrained", "Fig. 30–32", version="retrained", small=0.5)
@claim(
    "Adding the modified group leaves the other explanations (same encoder)",
    "Fig. 30–32",
    version="modified",
    small=0.25,
)
def unchanged(tables: Tables, version: str, small: float) -> Finding:
    table = where(tables("fig30_32_changes"), version=version)
    table = table[table["size"] > 0]
    by_name = table.groupby(["dataset", "seed"], sort=False)["relative_change"].median().groupby(level=0, sort=False)
    shared = table.groupby("dataset", sort=False)["shared_features"].mean()
    text = "median change relative to the original: "
    text += ", ".join(f"{STUDIES[d].title} {spread(v)} ({shared[d]:.0%} of features kept)" for d, v in by_name)
    return graded(-float(by_name.mean().max()), -small, -2 * small), text
