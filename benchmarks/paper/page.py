"""Put the result tables into the documentation page: ``python -m benchmarks.paper.page``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .causal import FEATURES, share_of_x4
from .claims import distinct, spread, where
from .studies import HERE, Settings

PAGE = HERE.parents[1] / "docs" / "paper.md"
SCORES = ["correctness", "coverage", "similarity"]
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
    names = {f"{key}{score}": f"{name} {score}" for key, name in (("", "TGT"), ("dbm_", "DBM")) for score in SCORES[:2]}
    by = pd.read_csv(results / "fig7_tradeoff.csv").groupby(["dataset", "sparsity"], sort=False)[[*names]]
    return markdown(by.agg(spread).reset_index().rename(columns=names | {"sparsity": "k"}))


def published(results: Path) -> str:
    frame = pd.read_csv(results / "published_curves.csv")
    table = frame[["dataset", "sparsity"]].rename(columns={"sparsity": "k"})
    names = {"tgt": "TGT, published", "dbm": "DBM, published", "exact": "scgce, exact", "refined": "scgce, refined"}
    for prefix, name in names.items():
        correctness, coverage = (frame[f"{prefix}_{score}"].map("{:.3f}".format) for score in SCORES[:2])
        table[name] = correctness + " / " + coverage
    return markdown(table)


def causal(results: Path) -> str:
    names = {"paper": "TGT, the paper's fit", "default": "TGT, scgce's default", "dbm": "DBM"}
    frame = distinct(where(pd.read_csv(results / "table1_causal.csv"), sparsity=4)).replace({"method": names})
    frame = frame.assign(translation="0 → " + frame["target"].astype(str), share=share_of_x4)
    by = frame.groupby(["translation", "method"])
    return markdown(by[FEATURES].agg(spread).assign(**{"share of x4": by["share"].mean()}).reset_index())


def recovered(results: Path) -> str:
    frame = pd.read_csv(results / "fig27_29_recovered.csv").query("true_shift != 0")
    by = frame.groupby(["dataset", "feature", "version", "true_shift"], sort=False)["delta"]
    table = by.agg([spread, lambda own: f"{(own != 0).sum()}/{len(own)}"]).reset_index()
    return markdown(table.set_axis(["data", "feature", "encoder", "true shift", "TGT", "used in"], axis=1))


def table3(results: Path) -> str:
    frame = pd.read_csv(results / "table3_published_groups.csv").query("dataset == 'heart_disease'")
    table = frame.pivot(index="group", columns="label", values="count")
    table["share with disease"] = table["heart disease"] / table.sum(axis=1)
    table["women"] = frame.groupby("group")["share_of_women"].first().map("{:.0%}".format)
    return markdown(table.reset_index().rename_axis(columns=None))


def single_cell(results: Path) -> str:
    frame = pd.read_csv(results / "fig7_single_cell.csv")
    by = frame.rename(columns={"sparsity": "k"}).groupby(["method", "k"], sort=False)[SCORES]
    table = by.agg(spread).reset_index().sort_values(["method", "k"], ascending=[False, True], kind="stable")
    table = table.replace("nan ± nan", "–")
    head = f"{frame['data'].iloc[0]}: {frame['n_cells'].iloc[0]:,} cells × {frame['n_genes'].iloc[0]:,} genes, "
    return f"{head}{frame['seed'].nunique()} encoders.\n\n" + markdown(table)


TABLES: dict[str, Callable[[Path], str]] = {
    make.__name__: make for make in (claims, tradeoff, published, causal, recovered, table3, single_cell)
}

if __name__ == "__main__":
    write(Settings())
