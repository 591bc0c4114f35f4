"""The files that other catalogues read say what pyproject.toml says."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

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


HOME = ROOT / ".github" / "home.py"

# What scverse's list of ecosystem packages asks of an entry, and what only a maintainer can say.
REQUIRED = {"name", "description", "license", "tags", "primary_category", "language", "category", "install"}
OF_A_MAINTAINER = {"project_home", "documentation_home", "contact"}
TAGS = {"scRNA-seq", "dimensionality reduction", "differential expression", "visualization"}


def _entry(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "meta.yaml").read_text(encoding="utf-8"))


def _is_valid(entry: dict[str, Any], required: set[str]) -> bool:
    texts = required - {"tags", "install", "contact"}
    return (
        required <= set(entry)
        and all(isinstance(entry[name], str) and entry[name].strip() for name in texts)
        and isinstance(entry["tags"], list)
        and len(set(entry["tags"])) == len(entry["tags"]) > 0
        and set(entry["tags"]) <= TAGS
        and entry["category"] == "ecosystem"
        and isinstance(entry["install"], dict)
        and set(entry["install"]) <= {"pypi", "conda"}
    )


def test_the_ecosystem_entry_is_valid_but_for_what_waits_for_a_maintainer() -> None:
    assert _is_valid(_entry(ROOT), REQUIRED)
    assert _entry(ROOT)["install"]["pypi"] == PROJECT["name"]


@pytest.fixture
def homed(tmp_path: Path) -> Path:
    """The files that hold an address, after a maintainer gave one."""
    spec = importlib.util.spec_from_file_location("home", HOME)
    assert spec is not None
    assert spec.loader is not None
    home = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(home)
    for name in home.FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    home.main(["some-lab", "--root", str(tmp_path)])
    return tmp_path


def test_one_command_fills_in_the_address_everywhere(homed: Path) -> None:
    entry = _entry(homed)
    assert _is_valid(entry, REQUIRED | OF_A_MAINTAINER)
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*png)\)", (homed / "README.md").read_text(encoding="utf-8"))
    assert pictures
    assert all(url.startswith("https://raw.githubusercontent.com/some-lab/scgce/main/docs/") for url in pictures)
    assert entry["project_home"] == "https://github.com/some-lab/scgce"
    assert entry["contact"] == ["some-lab"]
    project = tomllib.loads((homed / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Homepage"] == entry["project_home"]
    assert {name: value for name, value in project.items() if name != "urls"} == PROJECT
    citation = yaml.safe_load((homed / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == entry["project_home"]
    assert "\n[![CI](https://github.com/some-lab/scgce/" in (homed / "README.md").read_text(encoding="utf-8")
    compile((homed / "docs" / "conf.py").read_text(encoding="utf-8"), "conf.py", "exec")
    assert len(yaml.safe_load((homed / ".github/ISSUE_TEMPLATE/config.yml").read_text())["contact_links"]) == 2
    assert not [path for path in homed.rglob("*.*") if path.is_file() and "OWNER" in _without_howto(path)]


def _without_howto(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("# of some-lab", "")


def test_nothing_points_at_an_address_before_there_is_one() -> None:
    for path in (ROOT / "pyproject.toml", ROOT / "meta.yaml", ROOT / "CITATION.cff", ROOT / "README.md"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert all(line.lstrip().startswith(("#", "<!--")) for line in lines if "OWNER" in line), path.name


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_files_of_the_forge_are_yaml_and_call_targets_that_exist(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    steps = [step for job in content.get("jobs", {}).values() for step in job["steps"]]
    called = {
        word for step in steps for line in re.findall(r"make ([\w -]+)", step.get("run", "")) for word in line.split()
    }
    assert called <= targets | {"STACK"}
    assert content.get("jobs") is None or called


def test_the_changelog_has_the_version_with_its_date() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    dates = dict(re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d\d-\d\d)$", text, re.MULTILINE))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert dates[scgce.__version__] == str(citation["date-released"])
    assert text.index("## [Unreleased]") < text.index(f"## [{scgce.__version__}]")
