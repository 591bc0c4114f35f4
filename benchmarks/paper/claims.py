"""The claims of the paper against our tables: what we measured, and the rule by which it confirms a claim."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from .causal import DISTINCT, FEATURES, share_of_x4
from .output import save_table
from .settings import Settings
from .studies import STUDIES

CONFIRMED, PARTLY, REFUTED = "confirmed", "partly", "not confirmed"
#: A difference of this size in a mean over pairs is not called one.
TIE = 0.02
Finding = tuple[str, str]
Tables = Callable[[str], pd.DataFrame]


def run(settings: Settings) -> None:
    """Judge every claim whose tables exist and write ``claims.csv``."""

    def tables(name: str) -> pd.DataFrame:
        return pd.read_csv(settings.results / f"{name}.csv", dtype={"source": str, "target": str, "group": str})

    rows = []
    for claim, place, judge in CLAIMS:
        try:
            verdict, measured = judge(tables)
        except FileNotFoundError:
            continue
        rows.append({"claim": claim, "paper": place, "measured": measured, "verdict": verdict})
    save_table(pd.DataFrame(rows), "claims", settings)


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


def at_least_dbm(name: str) -> Callable[[Tables], Finding]:
    def judge(tables: Tables) -> Finding:
        table = where(tables("fig7_tradeoff"), dataset=name)
        gain = table["correctness"] + table["coverage"] - table["dbm_correctness"] - table["dbm_coverage"]
        share = float((gain / 2 >= -TIE).mean())
        shown = STUDIES[name].shown
        at = table[table["sparsity"] == shown]
        texts = [f"{c} {spread(at[c])} against {spread(at['dbm_' + c])}" for c in ("correctness", "coverage")]
        text = f"no worse than DBM in {share:.0%} of encoders × sparsities; k = {shown}: {', '.join(texts)}"
        return graded(share, 0.95, 0.5), text

    return judge


def at_least_dbm_published(tables: Tables) -> Finding:
    table = tables("published_curves")
    gain = (table["tgt_correctness"] + table["tgt_coverage"] - table["dbm_correctness"] - table["dbm_coverage"]) / 2
    share = float((gain >= -TIE).mean())
    heart = table[(table["dataset"] == "heart_disease") & (table["sparsity"] >= 5)]
    difference = (heart["tgt_correctness"] - heart["dbm_correctness"]).mean()
    text = (
        f"within {TIE} or above in {share:.0%} of the published sparsities; Heart, k ≥ 5: correctness {difference:+.3f}"
    )
    return graded(share, 0.95, 0.5), text


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


def flat_on_iris(tables: Tables) -> Finding:
    table = (
        tables("fig7_tradeoff").query("dataset == 'iris'").pivot(index="seed", columns="sparsity", values="correctness")
    )
    loss = table[4] - table[1]
    text = f"correctness {spread(table[1])} at k = 1, {spread(table[4])} at k = 4"
    return graded(-loss.mean(), -0.05, -0.15), text


def drop_below(name: str, k: int, below: int) -> Callable[[Tables], Finding]:
    def judge(tables: Tables) -> Finding:
        table = where(tables("fig7_tradeoff"), dataset=name).pivot(
            index="seed", columns="sparsity", values="correctness"
        )
        drop, rest = (table[k] - table[below]).mean(), (table.max(axis=1) - table[k]).mean()
        text = f"correctness {spread(table[below])} at k = {below}, {spread(table[k])} at k = {k}, "
        text += f"{rest:.2f} more at best"
        return CONFIRMED if drop > 0.1 and rest < 0.1 else PARTLY if drop > 0.1 or drop > rest else REFUTED, text

    return judge


def nested(tables: Tables) -> Finding:
    table = tables("fig7_tradeoff")
    means = table.groupby("dataset", sort=False)["similarity"].mean()
    text = "mean similarity " + ", ".join(f"{STUDIES[d].title} {v:.2f}" for d, v in means.items())
    return graded(float(means.min()), 0.9, 0.7), text


def without_x4(method: str) -> Callable[[Tables], Finding]:
    def judge(tables: Tables) -> Finding:
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

    return judge


def equally_good(tables: Tables) -> Finding:
    table = distinct(where(tables("fig17_18_causal_scores"), sparsity=4))
    means = table.groupby("method")[["correctness", "coverage"]].mean()
    gap = float((means.loc["paper"] - means.loc["dbm"]).abs().max())
    text = ", ".join(f"{m} {means.loc[m, 'correctness']:.2f}/{means.loc[m, 'coverage']:.2f}" for m in ("paper", "dbm"))
    return graded(-gap, -0.05, -0.1), f"correctness/coverage: {text.replace('paper', 'TGT').replace('dbm', 'DBM')}"


def attributions(tables: Tables) -> Finding:
    table = distinct(tables("a1_group_integrated_gradients"))
    sizes = table.assign(size=table["attribution"].abs()).groupby(["seed", "feature"])["size"].mean().unstack()
    shares = sizes.div(sizes.sum(axis=1), axis=0)
    text = "share of the attribution: " + ", ".join(f"{f} {spread(shares[f])}" for f in FEATURES)
    return CONFIRMED if shares["x4"].mean() > 0.1 and shares["x3"].mean() < 0.1 else PARTLY, text


def inconsistent(tables: Tables) -> Finding:
    pairs = distinct(tables("a1_group_integrated_gradients")).drop_duplicates(["seed", "source", "target"])
    text = f"asymmetry {spread(pairs['asymmetry'])}, triangle error {spread(pairs['triangle'])} of the attribution"
    return graded(float(pairs["triangle"].mean()), 0.1, 0.02), text


def petal_width(tables: Tables) -> Finding:
    table = tables("labels_iris")
    share = float((table["gene"] == "Petal Width").mean())
    petal = float(table["gene"].str.startswith("Petal").mean())
    tree = tables("fig19_tree").set_index("feature")["importance"]
    text = (
        f"Petal Width in {share:.0%} of the pairs, a petal in {petal:.0%}; tree: Petal Width {tree['Petal Width']:.2f}"
    )
    return graded(share, 0.8, 0.4 if petal > 0.8 else 0.5), text


def suburbs(tables: Tables) -> Finding:
    table = where(tables("labels_boston_housing"), role="price")
    seeds = table["seed"].nunique()
    signs = {"ZN": 1, "B": 1, "RAD": -1, "TAX": -1}
    agree = {f: int(((table["gene"] == f) & (table["delta"] * s > 0)).sum()) for f, s in signs.items()}
    words = {1: "up", -1: "down"}
    text = "dearest against cheapest group: " + ", ".join(
        f"{f} {words[s]} {agree[f]}/{seeds}" for f, s in signs.items()
    )
    return graded(sum(agree.values()) / (4 * seeds), 0.75, 0.3), text


def river(tables: Tables) -> Finding:
    table = where(tables("labels_boston_housing"), role="river", gene="CHAS")
    seeds = tables("labels_boston_housing")["seed"].nunique()
    text = f"a pair that CHAS tells apart in {len(table)}/{seeds} encoders; median price then changes by "
    text += f"{spread(table['price_change'])} thousand"
    close = float((table["price_change"].abs() < 5).sum()) / seeds
    return graded(close, 0.75, 0.25), text + f", by less than 5 in {close:.0%}"


def angina(tables: Tables) -> Finding:
    table = where(tables("labels_heart_disease"), gene="exang")
    table = table[table["delta"].abs() > 0.3]
    change = (table["risk_target"] - table["risk_source"]) * table["delta"].gt(0).map({True: 1, False: -1})
    published = where(tables("table3_published_groups"), dataset="heart_disease")
    risk = shares_of_disease(published)
    text = f"angina on exercise added: risk {spread(change)} higher ({len(change)} pairs); the paper's group 3, "
    return REFUTED if change.mean() > 0 else CONFIRMED, text + f"called low risk, has {risk['3']:.0%} disease by UCI"


def women(tables: Tables) -> Finding:
    table = tables("labels_heart_disease")
    table = table[(table["women_target"] - table["women_source"]).abs() > 0.5].drop_duplicates(
        ["seed", "source", "target"]
    )
    sign = (table["women_target"] - table["women_source"]).gt(0).map({True: 1, False: -1})
    change = (table["risk_target"] - table["risk_source"]) * sign
    published = where(tables("table3_published_groups"), dataset="heart_disease")
    risk = shares_of_disease(published)
    text = f"men → women: risk {spread(change)} ({len(change)} pairs); the paper's group 6 of women, called high risk, "
    return REFUTED if change.mean() < 0 else CONFIRMED, text + f"has {risk['6']:.0%} disease by UCI"


def shares_of_disease(table: pd.DataFrame) -> pd.Series:
    counts = table.pivot(index="group", columns="label", values="count")
    return counts["heart disease"] / counts[["heart disease", "no heart disease"]].sum(axis=1)


def recovered(name: str) -> Callable[[Tables], Finding]:
    def judge(tables: Tables) -> Finding:
        table = where(tables("fig27_29_recovered"), dataset=name)
        table = table[table["true_shift"] != 0]
        n_true = table["feature"].nunique()
        found = (table["rank"] <= n_true) & (table["delta"] * table["true_shift"] > 0)
        ratio = table["delta"] / table["true_shift"]
        texts = []
        for version in ("modified", "retrained"):
            part = table["version"] == version
            texts.append(f"{version}: {found[part].mean():.0%} found, amount {spread(ratio[part])} of the true one")
        return graded(float(found.groupby(table["version"]).mean().min()), 0.9, 0.5), "; ".join(texts)

    return judge


def unchanged(version: str, confirmed: float) -> Callable[[Tables], Finding]:
    def judge(tables: Tables) -> Finding:
        table = where(tables("fig30_32_changes"), version=version)
        table = table[table["size"] > 0]
        medians = table.groupby(["dataset", "seed"], sort=False)["relative_change"].median()
        by_name = medians.groupby(level=0, sort=False)
        shared = table.groupby("dataset", sort=False)["shared_features"].mean()
        text = "median change relative to the original: "
        text += ", ".join(f"{STUDIES[d].title} {spread(v)} ({shared[d]:.0%} of features kept)" for d, v in by_name)
        return graded(-float(by_name.mean().max()), -confirmed, -2 * confirmed), text

    return judge


def transitive(tables: Tables) -> Finding:
    table = tables("published_curves")
    worst = table.groupby("dataset")["exact_triangle_error"].max()
    text = "exact before the cut to k features; after it the largest triangle error is "
    return PARTLY, text + ", ".join(f"{STUDIES[d].title} {v:.2f}" for d, v in worst.items())


def translations(tables: Tables) -> Finding:
    table = tables("fig4_6_variance").set_index("figure")[["correctness", "coverage"]]
    text = "; ".join(
        f"{f.replace('fig', 'Fig. ')} {r['correctness']:.2f}/{r['coverage']:.2f}" for f, r in table.iterrows()
    )
    equal, narrow, wide = (table.loc[f] for f in ("fig4", "fig5", "fig6"))
    holds = equal.min() > 0.85 and narrow["correctness"] > 0.9 > narrow["coverage"]
    return CONFIRMED if holds and wide["coverage"] > 0.9 > wide["correctness"] else PARTLY, text


CLAIMS: list[tuple[str, str, Callable[[Tables], Finding]]] = [
    (
        "A translation explains groups of equal spread; unequal spread costs coverage or correctness",
        "Fig. 4–6",
        translations,
    ),
    *[
        (f"TGT does at least as well as DBM at every sparsity: {study.title}", "Fig. 7", at_least_dbm(name))
        for name, study in STUDIES.items()
    ],
    ("The same in the authors' own published numbers (Iris, Heart)", "Fig. 7", at_least_dbm_published),
    ("On single cells TGT is far better than DBM at k = 250, and more so for smaller k", "Fig. 7, 16", single_cell),
    ("Iris: k = 1 is almost as good as k = 4", "§4.1", flat_on_iris),
    ("Boston Housing: sharp drop below k = 5", "§4.1", drop_below("boston_housing", 5, 3)),
    ("Heart Disease: sharp drop below k = 3", "§4.1", drop_below("heart_disease", 3, 1)),
    ("Sparser explanations use a subset of the features of denser ones", "Fig. 7", nested),
    ("Explanations are symmetric and transitive by design", "§3.2", transitive),
    ("TGT leaves out x4, which causes nothing (the paper's fit)", "Table 1", without_x4("paper")),
    ("The same with scgce's default fit", "–", without_x4("default")),
    ("TGT and DBM explain the causal example equally well", "Fig. 17, 18", equally_good),
    ("Group Integrated Gradients ignore x3 but mark x4", "App. A.1", attributions),
    ("Group Integrated Gradients are not consistent", "App. A.1", inconsistent),
    ("Iris: one feature, mostly Petal Width, as in a decision tree", "Fig. 19, 20", petal_width),
    ("Boston: cheap and dear groups differ as urban and suburban (ZN, B up; RAD, TAX down)", "Fig. 22", suburbs),
    ("Boston: groups of equal price that differ by the Charles river", "Fig. 22", river),
    ("Heart: a low-risk group has its symptoms from angina on exercise", "Fig. 23, Table 3", angina),
    ("Heart: a high-risk group is made up of women", "Fig. 23, Table 3", women),
    *[
        (
            f"The modification is found, with the encoder and after retraining: {study.title}",
            "Fig. 27–29",
            recovered(name),
        )
        for name, study in STUDIES.items()
    ],
    (
        "Adding the modified group leaves the other explanations (same encoder)",
        "Fig. 30–32",
        unchanged("modified", 0.25),
    ),
    ("They stay generally similar when the encoder is retrained", "Fig. 30–32", unchanged("retrained", 0.5)),
]
