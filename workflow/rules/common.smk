# The sample sheet, checked against its schema, and what the rules look up in it.
import csv
import io
import json
import os
from pathlib import Path

import pandas as pd
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

try:
    validate(config, schema="../schemas/config.schema.yaml")
except WorkflowError as problem:
    raise in_words(problem, "the configuration") from None

# While the workflow lies in a checkout of scgce, `--sdm conda` installs that; else the release.
CHECKOUT = Path(workflow.basedir).parent
ENVIRONMENT = "../envs/scgce.yaml"
if (CHECKOUT / "pyproject.toml").is_file():
    text = Path(workflow.basedir, "envs", "scgce.yaml").read_text()
    ENVIRONMENT = os.path.abspath(".snakemake/scgce-checkout.yaml")
    os.makedirs(".snakemake", exist_ok=True)
    Path(ENVIRONMENT).write_text(text.replace("      - scgce\n", f"      - {json.dumps(str(CHECKOUT))}\n"))

RESULTS = config["results"]

samples = pd.read_csv(
    config["samples"], sep="\t", dtype=str, keep_default_na=False, comment="#"
).set_index("sample", drop=False)
try:
    validate(samples, schema="../schemas/samples.schema.yaml")
except WorkflowError as problem:
    raise in_words(problem, config["samples"]) from None

if samples.index.has_duplicates:
    twice = ", ".join(samples.index[samples.index.duplicated()].unique())
    raise ValueError(f"{config['samples']}: the column 'sample' must be unique; more than once: {twice}")

# A list of sparsities is one sweep: 5,10,20 in the configuration, 5-10-20 in the names of folders.
SPARSITIES = [str(sparsity).replace(" ", "").replace(",", "-") for sparsity in config["sparsities"]]

RUNS = expand(
    "{results}/{sample}/{grouping}/k-{sparsity}",
    results=RESULTS,
    sample=samples.index,
    grouping=config["groupings"],
    sparsity=SPARSITIES,
)


wildcard_constraints:
    sample="[^/]+",
    grouping="[^/]+",
    sparsity="auto|[0-9]+(-[0-9]+)*",


def entry(sample, column):
    """A cell of the sample sheet, empty where there is no such column."""
    return samples.loc[sample].get(column, "")


def raw(wildcards):
    """The input as it is given."""
    return entry(wildcards.sample, "path")


def cells(wildcards):
    """What is explained: the input, or the input with its embedding."""
    if config["embed"]["method"] == "none":
        return raw(wildcards)
    return f"{RESULTS}/{wildcards.sample}/embedded.h5ad"


def held_out(wildcards):
    """Cells to score on, if the sample sheet names some."""
    path = entry(wildcards.sample, "held_out")
    return [path] if path else []


def representation(wildcards):
    """The key of obsm that is explained."""
    embedded = config["embed"]["method"] != "none"
    return config["embed"]["key"] if embedded else entry(wildcards.sample, "use_rep") or config["use_rep"]


def layer(wildcards):
    """--layer, if there is one."""
    name = entry(wildcards.sample, "layer") or config["layer"]
    return ["--layer", name] if name else []


def first_read(wildcards):
    """--raw, for the rule that reads the input."""
    return ["--raw"] if entry(wildcards.sample, "raw").lower() in {"true", "yes", "1"} else []


def options(section):
    """Further options of a command as the configuration gives them."""
    words = []
    for name, value in config[section].get("options", {}).items():
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            # with "=", since a value may begin with a dash
            words.append(f"--{name}={joined(value) if isinstance(value, list) else value}")
    return words


def how():
    """In genes by a method within an amplitude, or in programmes, whose amounts are real."""
    tgt = config["tgt"]
    if tgt["programs"] != "none":
        return ["--programs", tgt["programs"]]
    return ["--method", tgt["method"], "--amplitude", str(tgt["amplitude"])]


def joined(values):
    """A list as the command line reads it: between commas, in quotes what holds one."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_NONNUMERIC, lineterminator="").writerow(values)
    return line.getvalue()


def megabytes(factor):
    """Memory from the size of the input, at least 3 GB, more at every attempt."""
    return lambda wildcards, input, attempt: attempt * max(3000, int(factor * input.size_mb))
