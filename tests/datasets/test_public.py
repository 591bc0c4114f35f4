"""The public face of datasets: names, keyword-only options, documentation, and what is shipped."""

from __future__ import annotations

import inspect
from importlib.resources import files

import pytest

from scgce import datasets

FUNCTIONS = [name for name in datasets.__all__ if inspect.isfunction(getattr(datasets, name))]


def test_the_names_of_the_house() -> None:
    promised = {"iris", "boston_housing", "heart_disease", "synthetic", "modified", "simulated_cells", "bipolar"}
    assert promised <= set(datasets.__all__)
    assert sorted(datasets.__all__) == datasets.__all__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_what_it_takes_and_returns(name: str) -> None:
    function = getattr(datasets, name)
    text = inspect.getdoc(function) or ""
    assert "Returns\n-------" in text
    for parameter in inspect.signature(function).parameters:
        assert parameter in text, f"{name} does not document {parameter}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_have_defaults(name: str) -> None:
    for parameter in inspect.signature(getattr(datasets, name)).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            assert parameter.default is not inspect.Parameter.empty


def test_random_data_sets_take_rng_and_nothing_else_for_chance() -> None:
    for name in ("synthetic", "modified", "simulated_cells"):
        assert inspect.signature(getattr(datasets, name)).parameters["rng"].default == 0


def test_origin_and_licence_of_every_table_are_shipped() -> None:
    folder = files("scgce.datasets").joinpath("data")
    text = folder.joinpath("README.md").read_text(encoding="utf-8")
    tables = [entry.name for entry in folder.iterdir() if entry.name.endswith(".csv")]
    assert sorted(tables) == ["boston_housing.csv", "heart_disease.csv", "iris.csv"]
    assert all(f"`{table}`" in text for table in tables)
    assert "CC BY 4.0" in text
    assert "scikit-learn deprecated" in text
