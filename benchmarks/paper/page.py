"""Put the result tables into the documentation page: ``python -m benchmarks.paper.page``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .causal import DISTINCT, FEATURES, share_of_x4
from .claims import spread
from .studies import HERE, Settings

PAGE = HERE.parents[1] / "docs" / "paper.md"
BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write(settings: Settings, page: Path = PAGE) -> None:
    """Replace every block of *page* by the table that the results hold now."""
    page.write_text(filled(page.read_text(encoding="utf-8"), settings.results), encoding="utf-8")


def filled(text: str, results: Path) -> str:
    """*text* with every block between ``results`` and ``end`` made from *results*."""

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}{TABLES[match[2]](results).rstrip()}\n{match[3]}"

    return BLOCK.sub(block, text)


def markdown(frame: pd.DataFrame) -> str:
    """A Markdown table; numbers with two decimals, unknown ones as a dash."""

    def cell(value: object) -> str:
        if isinstance(value, float):
            return "–" if value != value else f"{value:.2f}"
        return str(value).replace("|", "\\|")

    lines = [[str(c) for c in frame.columns], ["---"] * frame.shape[1]]
    lines += [[cell(v) for v in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def claims(results: Path) -> str:
    return markdown(pd.read_csv(results / "claims.csv"))


def tradeoff(results: Path) -> str:
    frame = pd.read_csv(results / "fig7_tradeoff_summary.csv")
    table = frame[["dataset", "sparsity"]].rename(columns={"sparsity": "k"})
    for column in ("correctness", "coverage", "dbm_correctness", "dbm_coverage"):
        mean, deviation = frame[f"{column}_mean"], frame[f"{column}_std"]
        name = column.replace("dbm_", "DBM ") if column.startswith("dbm") else f"TGT {column}"
        table[name] = [f"{m:.2f} ± {s:.2f}" for m, s in zip(mean, deviation, strict=True)]
    return markdown(table)


def published(results: Path) -> str:
    frame = pd.read_csv(results / "published_curves.csv")
    table = frame[["dataset", "sparsity"]].rename(columns={"sparsity": "k"})
    names = {"tgt": "TGT, published", "dbm": "DBM, published", "exact": "scgce, exact", "refined": "scgce, refined"}
    for prefix, name in names.items():
        pairs = zip(frame[f"{prefix}_correctness"], frame[f"{prefix}_coverage"], strict=True)
        table[name] = [f"{a:.3f} / {b:.3f}" for a, b in pairs]
    return markdown(table)


def causal(results: Path) -> str:
    frame = pd.read_csv(results / "table1_causal.csv")
    frame = frame[(frame["sparsity"] == 4) & (frame["agreement"] >= DISTINCT)]
    names = {"paper": "TGT, the paper's fit", "default": "TGT, scgce's default", "dbm": "DBM"}
    parts = []
    for method, name in names.items():
        part = frame[frame["method"] == method]
        part = part.assign(share=share_of_x4(part))
        for target, rows in part.groupby("target"):
            entry = {"translation": f"0 → {target}", "method": name}
            entry |= {f: f"{rows[f].mean():.2f} ± {rows[f].std():.2f}" for f in FEATURES}
            parts.append(entry | {"share of x4": f"{rows['share'].mean():.2f}"})
    return markdown(pd.DataFrame(parts).sort_values(["translation", "method"], kind="stable"))


def recovered(results: Path) -> str:
    frame = pd.read_csv(results / "fig27_29_recovered.csv").query("true_shift != 0")
    rows = []
    for (name, feature, version), part in frame.groupby(["dataset", "feature", "version"], sort=False):
        amount = f"{part['delta'].mean():.2f} ± {part['delta'].std():.2f}"
        row = {"data": name, "feature": feature, "encoder": version, "true shift": part["true_shift"].iloc[0]}
        rows.append(row | {"TGT": amount, "used in": f"{(part['delta'] != 0).sum()}/{len(part)}"})
    return markdown(pd.DataFrame(rows))


def table3(results: Path) -> str:
    frame = pd.read_csv(results / "table3_published_groups.csv").query("dataset == 'heart_disease'")
    table = frame.pivot(index="group", columns="label", values="count")
    table["share with disease"] = table["heart disease"] / table.sum(axis=1)
    table["women"] = frame.groupby("group")["share_of_women"].first().map("{:.0%}".format)
    return markdown(table.reset_index().rename_axis(columns=None))


def single_cell(results: Path) -> str:
    frame = pd.read_csv(results / "fig7_single_cell.csv")
    scores = ["correctness", "coverage", "similarity"]
    by = frame.rename(columns={"sparsity": "k"}).groupby(["method", "k"], sort=False)[scores]
    table = by.agg(spread).reset_index().sort_values(["method", "k"], ascending=[False, True], kind="stable")
    table = table.replace("nan ± nan", "–")
    head = f"{frame['data'].iloc[0]}: {frame['n_cells'].iloc[0]:,} cells × {frame['n_genes'].iloc[0]:,} genes, "
    return f"{head}{frame['seed'].nunique()} encoders.\n\n" + markdown(table)


TABLES: dict[str, Callable[[Path], str]] = {
    "claims": claims,
    "tradeoff": tradeoff,
    "published": published,
    "causal": causal,
    "recovered": recovered,
    "table3": table3,
    "single_cell": single_cell,
}

if __name__ == "__main__":
    write(Settings())
