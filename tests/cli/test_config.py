from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scgce.cli._app import app
from scgce.cli._config import COMMANDS, read_config
from scgce.cli._errors import ReadError, UsageError

NAMES = {"groupby", "use_rep", "sparsity", "clip", "device"}


def _file(folder: Path, text: str, name: str = "config.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_commands_that_may_have_a_section_are_all_of_them() -> None:
    named = {info.name or info.callback.__name__.replace("_", "-") for info in app.registered_commands}
    assert named == set(COMMANDS)


def test_yaml_and_toml_say_the_same(tmp_path: Path) -> None:
    yaml = _file(tmp_path, "groupby: leiden\nsparsity: [5, 10]\nclip: true\ntgt:\n  use-rep: X_umap\n")
    toml = _file(
        tmp_path, 'groupby = "leiden"\nsparsity = [5, 10]\nclip = true\n[tgt]\nuse_rep = "X_umap"\n', "config.toml"
    )
    expected = {"groupby": "leiden", "sparsity": "5,10", "clip": True, "use_rep": "X_umap"}
    assert read_config(yaml, "tgt", NAMES) == expected
    assert read_config(toml, "tgt", NAMES) == expected


def test_a_section_wins_and_other_commands_are_passed_over(tmp_path: Path) -> None:
    path = _file(tmp_path, "device: cpu\nmax-cells: 5\ntgt:\n  device: cuda\nreport:\n  title: x\n")
    assert read_config(path, "tgt", NAMES) == {"device": "cuda"}


def test_empty_values_and_empty_files_give_nothing(tmp_path: Path) -> None:
    assert read_config(_file(tmp_path, "use_rep:\n"), "tgt", NAMES) == {}
    assert read_config(_file(tmp_path, ""), "tgt", NAMES) == {}


@pytest.mark.parametrize(
    "text, name, said",
    [
        ("tgt:\n  groupy: leiden\n", "config.yaml", "has no option 'groupy'; did you mean 'groupby'"),
        ("tgt: leiden\n", "config.yaml", "section 'tgt' is 'leiden'"),
        ("tgt:\n  groupby: {a: 1}\n", "config.yaml", "groupby is a section"),
        ("[1, 2]\n", "config.yml", "holds a list"),
        ("groupby: x\n", "config.json", "ending in .yaml, .yml or .toml"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_config(_file(tmp_path, text, name), "tgt", NAMES)
    assert said in str(caught.value)


@pytest.mark.parametrize("text, name", [("a: [1\n", "config.yaml"), ("a = = 1\n", "config.toml")])
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(ReadError, match="not valid") as caught:
        read_config(_file(tmp_path, text, name), "tgt", NAMES)
    assert "\n" not in str(caught.value)
    with pytest.raises(ReadError, match="cannot read"):
        read_config(tmp_path / "none.yaml", "tgt", NAMES)


def test_yaml_cannot_run_code(tmp_path: Path) -> None:
    path = _file(tmp_path, f"groupby: !!python/object/apply:pathlib.Path.touch ['{tmp_path / 'touched'}']\n")
    with pytest.raises(ReadError):
        read_config(path, "tgt", NAMES)
    assert not (tmp_path / "touched").exists()


def test_a_command_takes_its_options_from_the_file(call: Callable, tmp_path: Path) -> None:
    import anndata as ad

    path = _file(tmp_path, "seed: 3\nsimulate:\n  n-cells: 40\n  n-genes: 30\n  n-groups: 2\n  represent: none\n")
    done = call("simulate", "--config", path, "-o", tmp_path / "sim.h5ad", "--n-cells", 50)
    assert done.code == 0, done.err
    assert ad.read_h5ad(tmp_path / "sim.h5ad").shape == (50, 30)  # the command line wins


def test_a_required_option_may_stand_in_the_file(call: Callable, tmp_path: Path) -> None:
    output = tmp_path / "sim.h5ad"
    path = _file(tmp_path, f"output: '{output}'\nn_cells: 20\nn_genes: 20\nn_groups: 2\nrepresent: none\n")
    assert call("simulate", "--config", path).code == 0
    assert output.exists()


def test_a_bad_value_in_the_file_is_one_line(call: Callable, tmp_path: Path) -> None:
    done = call("simulate", "--config", _file(tmp_path, "n_cells: many\n"), "-o", tmp_path / "sim.h5ad")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--n-cells" in done.err
