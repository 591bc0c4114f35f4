"""The page of promises: ``python -m benchmarks.promises.page`` counts the tests and fills ``docs/promises.md``.

Coverage, mutants and stacks are read from what their own commands left in ``results``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from . import counts
from .coverage import shares
from .mutants import JUSTIFIED, SITE

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE = HERE.parents[1] / "docs" / "promises.md"
BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
STACKS = ("tested", "newest-3.12", "newest-3.13", "lowest", "no-extras")  # of noxfile.py


def filled(text: str, results: Path = RESULTS) -> str:
    """*text* with every block between ``results`` and ``end`` made from *results*."""
    return BLOCK.sub(lambda match: f"{match[1]}{TABLES[match[2]](results).rstrip()}\n{match[3]}", text)


def markdown(frame: pd.DataFrame) -> str:
    """A Markdown table."""
    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def promises(results: Path) -> str:
    table = pd.read_csv(results / "counts.csv")
    table["held by"] = ["<br>".join(f"`{place}`" for place in places.split()) for places in table["held by"]]
    return markdown(table)


def tried(results: Path) -> str:
    return markdown(pd.read_csv(results / "tried.csv"))


def coverage(results: Path) -> str:
    return markdown(shares(pd.read_csv(results / "coverage.csv")).drop(columns=["lines_run", "branches_taken"]))


def judged(results: Path) -> pd.DataFrame:
    """Mutants with the reason why one that survived is no fault, empty where there is none."""
    found = pd.read_csv(results / "mutants.csv", keep_default_na=False)
    reasons = pd.read_csv(JUSTIFIED, keep_default_na=False)
    return found.merge(reasons, "left", on=SITE).fillna({"reason": ""})


def mutants(results: Path) -> str:
    found = judged(results)
    survived, excused = found["outcome"] == "survived", found["reason"] != ""
    columns = {
        "planted": found["outcome"] != "",
        "killed by a failing test": found["outcome"] == "killed",
        "killed by never ending": found["outcome"] == "timeout",
        "survived, no fault": survived & excused,
        "survived": survived & ~excused,
    }
    table = pd.DataFrame({"file": found["file"], **columns}).groupby("file").sum()
    table.loc["all"] = table.sum()
    return markdown(table.reset_index())


def harmless(results: Path) -> str:
    found = judged(results)
    found = found[(found["outcome"] == "survived") & (found["reason"] != "")]
    table = pd.DataFrame({"where": found["file"] + ", `" + found["function"].where(found["function"] != "", "—") + "`"})
    table["mutation"] = ["`" + text.replace(" → ", "` → `") + "`" for text in found["mutation"]]
    return markdown(table.assign(why=found["reason"].to_numpy()))


def surviving(results: Path) -> str:
    found = judged(results)
    found = found[(found["outcome"] == "survived") & (found["reason"] == "")]
    return markdown(found[["file", "function", "line", "mutation"]]) if len(found) else "None.\n"


def stacks(results: Path) -> str:
    rows = []
    for name in STACKS:
        path = results / f"stack-{name}.json"
        if not path.exists():
            rows.append({"stack": name, "tests": "not run yet"})
            continue
        entry = json.loads(path.read_text(encoding="utf-8"))
        told = ", ".join(f"{count} {word}" for word, count in entry["counts"].items())
        rows.append({"stack": name, "tests": told, **entry["versions"]})
    return markdown(pd.DataFrame(rows).fillna("–"))


def long(results: Path) -> str:
    entry = json.loads((results / "long.json").read_text(encoding="utf-8"))
    rows = [
        {"test": f"`{name}`", "cases": ", ".join(f"{count} {word}" for word, count in counts.items())}
        for name, counts in entry["tests"].items()
    ]
    return f"{markdown(pd.DataFrame(rows))}\nIn {entry['seconds']} s, Python {entry['versions']['python']}.\n"


TABLES: dict[str, Callable[[Path], str]] = {
    "promises": promises,
    "tried": tried,
    "coverage": coverage,
    "mutants": mutants,
    "harmless": harmless,
    "surviving": surviving,
    "stacks": stacks,
    "long": long,
}


def main() -> None:
    counts.main()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
