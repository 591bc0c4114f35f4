"""The paper's benchmarks: groups, gradients, the rules for claims, and the page that shows the results."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.paper import causal, claims, maps, modifications, page, published, studies, variance  # noqa: E402
from benchmarks.paper.studies import Settings  # noqa: E402

from scgce.datasets import MODIFICATIONS, synthetic  # noqa: E402

RESULTS = Settings().results
COMMITTED = pytest.mark.skipif(not (RESULTS / "claims.csv").exists(), reason="no results have been made")


def test_groups_are_clusters_named_by_size_and_small_ones_are_none() -> None:
    rng = np.random.default_rng(0)
    sizes = [40, 10, 25, 3]
    centres = np.array([[0, 0], [20, 0], [0, 20], [20, 20]])
    points = np.vstack([c + rng.normal(size=(n, 2)) for c, n in zip(centres, sizes, strict=True)])
    groups = maps.groups_in(points, 4)
    assert list(groups.categories) == ["0", "1", "2"]
    np.testing.assert_array_equal(groups.codes, np.repeat([0, 2, 1, -1], sizes))


def test_every_study_has_its_modification_and_fits_its_table() -> None:
    assert set(studies.STUDIES) == set(MODIFICATIONS)
    for study in studies.STUDIES.values():
        adata = study.load(drop_first_row=True)
        assert max(study.sparsities) == adata.n_vars
        assert study.shown in study.sparsities
        assert study.label in adata.obs


@pytest.mark.parametrize("name", sorted(studies.STUDIES))
def test_the_modified_group_has_room_for_the_shift(name: str) -> None:
    adata = studies.STUDIES[name].load()
    change = MODIFICATIONS[name]
    adata.obs["group"] = pd.Categorical(np.where(np.arange(adata.n_obs) % 3, "0", "1"))
    small = (adata.obs["group"] == "1").to_numpy()
    for feature, shift in zip(change.features, change.shift, strict=True):
        column = adata.var_names.get_loc(feature)
        adata.X[:, column] = np.where(small, shift < 0, shift > 0)
    assert modifications.group_to_modify(adata, name) == "1"
    adata.X[:, adata.var_names.get_indexer(list(change.features))] = 0.5 - np.array(change.shift) / 2
    assert modifications.group_to_modify(adata, name) == "0"


def test_figures_4_to_6_show_what_the_paper_shows(tmp_path: Path) -> None:
    settings = Settings(results=tmp_path)
    variance.run(settings)
    table = pd.read_csv(tmp_path / "fig4_6_variance.csv").set_index("figure")
    assert table.loc["fig4", ["correctness", "coverage"]].min() > 0.85
    assert table.loc["fig5", "correctness"] > 0.9 > table.loc["fig5", "coverage"]
    assert table.loc["fig6", "coverage"] > 0.9 > table.loc["fig6", "correctness"]


def test_clusters_take_the_names_of_the_true_groups() -> None:
    adata = synthetic(200, rng=1)
    shuffled = pd.Categorical(adata.obs["group"].cat.rename_categories(dict(zip("0123", "2301", strict=True))))
    named = causal.named_as_the_truth(shuffled, adata)
    assert (named.astype(str) == adata.obs["group"].astype(str).to_numpy()).all()


def test_asymmetry_and_triangle_of_attributions() -> None:
    basis = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0]])
    consistent = basis[None] - basis[:, None]
    table = causal.attributed(consistent, ["a", "b", "c"], ["f", "g"])
    np.testing.assert_allclose(table[["asymmetry", "triangle"]], 0)
    table = causal.attributed(np.abs(consistent), ["a", "b", "c"], ["f", "g"])
    np.testing.assert_allclose(table["asymmetry"], 2)


def test_share_of_x4() -> None:
    table = pd.DataFrame([[1.0, 0.0, 0.0, -1.0], [0.5, 0.5, 0.0, 0.0]], columns=causal.FEATURES)
    np.testing.assert_allclose(causal.share_of_x4(table), [0.5, 0.0])


def test_verdicts_follow_their_thresholds() -> None:
    assert [claims.graded(v, 0.9, 0.5) for v in (0.9, 0.5, 0.4)] == ["confirmed", "partly", "not confirmed"]


def test_a_claim_is_judged_from_its_table() -> None:
    curve = pd.DataFrame({"sparsity": [50, 250, 900], "TGT": [0.8, 0.9, 0.8], "DBM": [0.2, 0.5, 0.9]})
    one = curve.melt("sparsity", var_name="method", value_name="correctness").assign(n_genes=900)
    other = one.assign(correctness=one["correctness"] + 0.02)
    tidy = pd.concat([one.assign(seed=0), other.assign(seed=1)])
    verdict, text = claims.single_cell(lambda name: tidy)
    assert verdict == "confirmed"
    assert "k = 250: 0.91 ± 0.01 against 0.51 ± 0.01" in text
    assert "all genes: 0.81 ± 0.01 against 0.91 ± 0.01" in text
    worse = tidy.assign(correctness=tidy["correctness"].where(tidy["method"] == "DBM", 0.1))
    assert claims.single_cell(lambda name: worse)[0] == "not confirmed"


def test_markdown() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.123, float("nan")], "c": ["x|y", "z"]})
    assert page.markdown(frame) == "| a | b | c |\n| --- | --- | --- |\n| 1 | 0.12 | x\\|y |\n| 2 | – | z |\n"


def test_the_page_names_every_table_once() -> None:
    blocks = [match[2] for match in page.BLOCK.finditer(page.PAGE.read_text(encoding="utf-8"))]
    assert sorted(blocks) == sorted(page.TABLES)


@COMMITTED
def test_the_page_shows_the_committed_results() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text, RESULTS) == text


@COMMITTED
@pytest.mark.thorough
@pytest.mark.skipif(not published.REFERENCE.is_dir(), reason="the authors' encoders lie beside the project")
def test_the_committed_exact_solutions_are_those_of_today() -> None:
    found = published.curves("iris", {"exact": {}}).set_index("sparsity")
    committed = pd.read_csv(RESULTS / "published_curves.csv").query("dataset == 'iris'").set_index("sparsity")
    names = ["exact_correctness", "exact_coverage", "exact_triangle_error"]
    np.testing.assert_allclose(found[names], committed[names], atol=0.01)


@COMMITTED
def test_claims_follow_from_the_committed_tables(tmp_path: Path) -> None:
    copy = tmp_path / "results"
    copy.mkdir()
    for file in RESULTS.glob("*.csv"):
        (copy / file.name).write_bytes(file.read_bytes())
    claims.run(Settings(results=copy))
    assert (copy / "claims.csv").read_bytes() == (RESULTS / "claims.csv").read_bytes()
    assert len(pd.read_csv(copy / "claims.csv")) == len(claims.CLAIMS)


@COMMITTED
def test_results_cover_ten_seeds_and_every_data_set() -> None:
    table = pd.read_csv(RESULTS / "fig7_tradeoff.csv")
    assert set(table["dataset"]) == set(studies.STUDIES)
    assert (table.groupby("dataset")["seed"].nunique() >= 10).all()
    found = pd.read_csv(RESULTS / "fig27_29_recovered.csv")
    assert (found.groupby("dataset")["seed"].nunique() >= 10).all()
    assert pd.read_csv(RESULTS / "table1_causal.csv")["seed"].nunique() >= 10
