"""What the workflow would do, and what it refuses, without running any rule."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scgce.cli import _values

from .conftest import WORKFLOW, Project

pytestmark = pytest.mark.workflow

ROWS = [{"sample": f"s{i}", "path": f"data/s{i}.h5ad"} for i in range(3)]


def _inputs(project: Project) -> None:
    (project.folder / "data").mkdir(exist_ok=True)
    for row in ROWS:
        (project.folder / row["path"]).touch()


def _counts(done: Any) -> dict[str, int]:
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    table = text.split("Job stats:")[1].split("total")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)", table, flags=re.MULTILINE)}


def _plan(project: Project, *arguments: str) -> Any:
    return project.snakemake("--dry-run", "--cores", "4", *arguments)


def test_samples_times_groupings_times_sparsities(project: Project) -> None:
    _inputs(project)
    project.configure(ROWS, groupings=["leiden", "cell type"], sparsities=["auto", 10, "5,10,20"])
    runs = 3 * 2 * 3
    assert _counts(_plan(project)) == {
        "all": 1, "tgt": runs, "evaluate": runs, "tables": runs, "evaluated_table": runs, "plots": runs, "page": runs,
        "summary": 1,
    }  # fmt: skip


def test_an_embedding_is_fitted_once_for_each_sample(project: Project) -> None:
    _inputs(project)
    project.configure(
        ROWS,
        groupings=["leiden"],
        sparsities=[5, 10],
        embed={"method": "scvis", "key": "map", "options": {"epochs": 3}},
    )
    done = _plan(project, "--printshellcmds")
    assert _counts(done)["embed"] == 3
    text = done.stdout + done.stderr
    assert "scgce embed --input data/s0.h5ad --output results/s0/embedded.h5ad --method scvis --key map" in text
    assert "--epochs=3" in text
    assert re.search(r"scgce tgt --input results/s0/embedded.h5ad .* --use-rep map ", text)


def test_the_sheet_wins_over_the_configuration(project: Project) -> None:
    _inputs(project)
    rows = [ROWS[0] | {"use_rep": "X_tsne", "layer": "log counts", "raw": "true"}, ROWS[1]]
    project.configure(
        rows, groupings=["leiden"], use_rep="X_umap", layer="", tgt={"amplitude": "none", "options": {"clip": "zero"}}
    )
    text = _plan(project, "--printshellcmds").stdout
    lines = {
        name: next(line for line in text.splitlines() if f"tgt --input data/{name}.h5ad" in line)
        for name in ("s0", "s1")
    }
    assert "--use-rep X_tsne --raw --layer 'log counts'" in lines["s0"]
    assert "--use-rep X_umap" in lines["s1"]
    assert "--raw" not in lines["s1"]
    assert "--layer" not in lines["s1"]
    for line in lines.values():
        given = line.split()
        for option, value in (
            ("sparsity", "auto"),
            ("method", "refine"),
            ("amplitude", "none"),
            ("clip", "zero"),
            ("threads", "4"),
            ("seed", "0"),
            ("device", "auto"),
        ):
            assert f"--{option}={value}" in given or given[given.index(f"--{option}") + 1] == value


def test_programmes_instead_of_genes(project: Project) -> None:
    _inputs(project)
    project.configure(ROWS[:1], groupings=["leiden"], tgt={"programs": "sets/my sets.gmt"})
    lines = _plan(project, "--printshellcmds").stdout.splitlines()
    tgt = shlex.split(next(line for line in lines if "scgce tgt " in line))
    assert tgt[tgt.index("--programs") + 1] == "sets/my sets.gmt"
    assert not {"--method", "--amplitude"} & set(tgt)
    export = shlex.split(next(line for line in lines if "scgce export " in line and "--table explanations" in line))
    assert export[export.index("--table") + 1].split(",")[-1] == "codebook"


def test_a_condition_within_cell_types(project: Project) -> None:
    _inputs(project)
    asked = {"pairs": "within:cell type", "reference": "ctrl", "split-by": "donor"}
    project.configure(ROWS[:1], groupings=["cell type,condition"], tgt={"options": asked})
    lines = _plan(project, "--printshellcmds").stdout.splitlines()
    tgt = shlex.split(next(line for line in lines if "scgce tgt " in line))
    assert tgt[tgt.index("--groupby") + 1] == "cell type,condition"
    assert {"--pairs=within:cell type", "--reference=ctrl", "--split-by=donor"} <= set(tgt)
    export = shlex.split(next(line for line in lines if "scgce export " in line and "--table explanations" in line))
    assert export[export.index("--table") + 1].split(",")[-1] == "contrasts"
    plot = shlex.split(next(line for line in lines if "scgce plot " in line))
    assert plot[plot.index("--kind") + 1] == "groups,metrics,sweep,contrasts"


def test_threads_and_memory_are_declared(project: Project) -> None:
    _inputs(project)
    project.configure(ROWS[:1], groupings=["leiden"], threads=3)
    text = _plan(project, "--printshellcmds").stdout
    assert "--threads 3" in text
    assert "threads: 3" in text
    assert text.count("mem_mb=") >= 7
    assert text.count("runtime=") >= 7


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"groupings": []}, "groupings"),
        ({"groupings": ["a/b"]}, "a/b"),
        ({"groupings": ["leiden"], "sparsities": [0]}, "sparsities"),
        ({"groupings": ["leiden"], "tgt": {"method": "magic"}}, "magic"),
        ({"groupings": ["leiden"], "tgt": {"options": {"--clip": True}}}, "--clip"),
        ({"groupings": ["leiden"], "sparsity": 5}, "sparsity"),
        ({"groupings": ["leiden"], "seed": -1}, "seed"),
        ({}, "groupings"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(project: Project, settings: dict, said: str) -> None:
    _inputs(project)
    project.configure(ROWS, **settings)
    done = _plan(project)
    assert done.returncode != 0
    assert "the configuration: " in done.stdout + done.stderr
    assert "additionalProperties" not in (done.stdout + done.stderr)  # words, no dump of the schema
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize(
    "rows, said",
    [
        ([{"sample": "a", "path": "data/s0.csv"}], "data/s0.csv"),
        ([{"sample": "a/b", "path": "data/s0.h5ad"}], "a/b"),
        ([{"sample": "a", "path": "data/s0.h5ad", "raw": "perhaps"}], "perhaps"),
        ([{"sample": "a"}], "path"),
        ([ROWS[0], ROWS[0]], "must be unique; more than once: s0"),
    ],
)
def test_a_sheet_that_does_not_fit_is_refused(project: Project, rows: list[dict[str, str]], said: str) -> None:
    _inputs(project)
    project.configure(rows, groupings=["leiden"])
    done = _plan(project)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


NAMES = ["CD4-positive, alpha-beta T cell", 'the "new" one', " B cell ", "γδ T, naïve", "-1", "CD4+/CD25 T Reg", "0"]


def test_names_of_groups_survive_from_the_configuration_to_the_command(project: Project) -> None:
    _inputs(project)
    project.configure(
        ROWS[:1], groupings=["leiden"], tgt={"options": {"groups": NAMES, "reference": "-1", "epsilon": 0.5}}
    )
    line = next(line for line in _plan(project, "--printshellcmds").stdout.splitlines() if "scgce tgt" in line)
    words = shlex.split(line.partition(" 2> ")[0])
    given = next(word for word in words if word.startswith("--groups="))
    assert _values.names("groups", given.removeprefix("--groups=")) == NAMES
    assert {"--reference=-1", "--epsilon=0.5"} <= set(words)


def test_it_is_a_module(project: Project, module_project: Callable) -> None:
    _inputs(project)
    project.configure(ROWS, groupings=["leiden"], results="elsewhere")
    done = module_project(
        'configfile: "config/config.yaml"\n'
        f'module scgce:\n    snakefile: "{WORKFLOW / "Snakefile"}"\n    config: config\n'
        "use rule * from scgce as scgce_*\n",
        "elsewhere/summary.tsv",
    )
    assert _counts(done)["scgce_tgt"] == 3


def test_the_template_is_valid(project: Project) -> None:
    for name in ("config.yaml", "samples.tsv"):
        (project.folder / "config" / name).write_text((WORKFLOW.parent / "config" / name).read_text())
    (project.folder / "data").mkdir()
    (project.folder / "data" / "pbmc.h5ad").touch()
    assert _counts(_plan(project))["tgt"] == 1


def test_lint_finds_nothing(project: Project) -> None:
    _inputs(project)
    project.configure(ROWS, groupings=["leiden"], embed={"method": "scvis"})
    done = project.snakemake("--lint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "good condition" in done.stdout + done.stderr


def test_every_file_that_rules_name_is_there() -> None:
    named = set()
    for path in [WORKFLOW / "Snakefile", *sorted((WORKFLOW / "rules").glob("*.smk"))]:
        for match in re.findall(r'"((?:\.\./)?(?:report|envs|scripts|schemas|rules)/[^"]+)"', path.read_text()):
            kinds = ("groups", "metrics", "sweep", "contrasts") if "{kind}" in match else ("",)
            named |= {(path.parent / match.replace("{kind}", kind)).resolve() for kind in kinds}
    assert len(named) >= 12
    assert all(path.is_file() for path in named), named
    kept = {
        path for folder in ("report", "envs", "scripts", "schemas", "rules") for path in (WORKFLOW / folder).iterdir()
    }
    assert {Path(path) for path in kept if path.is_file()} <= named
