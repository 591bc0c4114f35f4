"""Conditions within cell types: planted programmes are found, nothing is found where nothing responds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import contrasts


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrasts, "CELLS", {"n_cells": 900, "n_genes": 150, "n_groups": 3, "n_copies": 0})
    planted: dict[str, Any] = {"n_shared_programs": 1, "n_specific_programs": 3}
    monkeypatch.setattr(contrasts, "PLANTED", planted)


def test_planted_programmes_come_back_and_nothing_else() -> None:
    found = pd.concat([contrasts.reported(1, effect, contrasts.PLANTED) for effect in (0.0, 0.2)])
    assert len(found) == 4
    programmes = found[found["items"] == "programmes"]
    assert (programmes["precision"] >= 0.9).all() and (programmes["recall"] >= 0.6).all()
    assert (programmes["precision, all shown"] >= 0.9).all()
    genes = found[found["items"] == "genes"]
    assert (genes["precision"] >= 0.9).all()
    assert (genes["precision, all shown"] > 0.6).all(), "ten genes a pair, where 150 genes are few"


def test_effects_of_donors_alone_do_not_agree() -> None:
    empty = contrasts.reported(1, 0.3, contrasts.NOTHING)
    assert (empty["agreeing"] == 0).all() and (empty["shown"] > 0).all()
    table = contrasts.summary(empty, empty)
    assert table["response"].tolist() == ["planted"] * 2 + ["none"] * 2
    assert table["runs with something agreeing"].tolist() == ["", "", "0.000", "0.000"]


def test_pairs_of_interest_alone_are_explained_better_than_among_all() -> None:
    runs = contrasts.pairs("truncate", 10, seeds=1, types=6, cells=1200).set_index("pairs")
    assert runs["n_pairs"].to_dict() == {"within:group": 12, "all": 132}
    assert runs.loc["within:group", "correctness"] > runs.loc["all", "correctness"]
    assert np.isfinite(runs["seconds"]).all()
