"""The files that other catalogues read say what pyproject.toml says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import scgce

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch"}


def _recipe() -> str:
    return (ROOT / "recipe" / "meta.yaml").read_text(encoding="utf-8")


def test_the_recipe_requires_what_the_project_requires() -> None:
    run = re.search(r"\n  run:\n((?:    - .*\n)+)", _recipe())
    assert run is not None
    listed = sorted(line.removeprefix("    - ") for line in run[1].splitlines())
    wanted = [re.fullmatch(r"([\w-]+)(>=.*)", requirement) for requirement in PROJECT["dependencies"]]
    pairs = [(found[1], found[2]) for found in wanted if found is not None]
    assert len(pairs) == len(wanted)
    expected = [f"{CONDA_NAMES.get(name, name)} {bound}" for name, bound in pairs]
    assert listed == sorted([*expected, f"python {PROJECT['requires-python']}"])


def test_the_recipe_installs_the_command() -> None:
    [(name, target)] = PROJECT["scripts"].items()
    assert f"    - {name} = {target}\n" in _recipe()
    assert f"license: {PROJECT['license']}\n" in _recipe()


@pytest.mark.parametrize("file", ["meta.yaml", "CITATION.cff"])
def test_name_version_and_licence(file: str) -> None:
    entry = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    assert (entry.get("name") or entry["title"]) == PROJECT["name"]
    assert entry["version"].removeprefix("v") == scgce.__version__
    assert entry["license"] == PROJECT["license"]
    assert (ROOT / entry.get("license-file", "LICENSE")).is_file()


def test_the_citation_names_the_paper() -> None:
    paper = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["preferred-citation"]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert paper["title"] in readme.replace("*", "")
    assert all(author["family-names"] in readme for author in paper["authors"])
