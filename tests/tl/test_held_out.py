"""Cells are known by their names: what fitted or selected an explanation is never scored, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from tests._files import reread

import scgce
from scgce.store.cells import FIT, REPORT, VALIDATE


@pytest.fixture(scope="module")
def explained() -> ad.AnnData:
    """The example of the documentation: 300 cells, of which 75 are reported."""
    adata = scgce.datasets.simulated_cells(300, 80, 3, rng=1)
    sc.pp.pca(adata, n_comps=10)
    scgce.tl.tgt(adata, "group", use_rep="X_pca", sparsity=[5], amplitude=10)
    return adata


@pytest.fixture
def adata(explained: ad.AnnData) -> ad.AnnData:
    return explained.copy()


def mean(adata: ad.AnnData, key: str = "tgt_evaluated") -> float:
    return float(scgce.get.metrics(adata, key=key)["correctness"].mean())


def earlier(adata: ad.AnnData) -> ad.AnnData:
    """The result as a version before the cells' names were stored wrote it."""
    found = adata.copy()
    for field in ("cell_digest", "cell_group"):
        del found.uns["tgt"][field]
    return found


def shuffled(adata: ad.AnnData, seed: int = 0) -> ad.AnnData:
    return adata[np.random.default_rng(seed).permutation(adata.n_obs)].copy()


@pytest.fixture(scope="module")
def right(explained: ad.AnnData) -> float:
    """Mean correctness on the reported cells, as the explanation says it."""
    return mean(explained, "tgt")


def test_cells_that_fitted_would_score_higher(adata: ad.AnnData, right: float) -> None:
    adata.obs_names = [f"{name} again" for name in adata.obs_names]
    half = adata[adata.uns["tgt"]["split"] != FIT].copy()
    reference = adata.copy()
    reference.obs_names = [name.removesuffix(" again") for name in adata.obs_names]
    scgce.tl.evaluate(half, reference=reference, judges=False, max_cells=None)
    assert half.uns["tgt_evaluated"]["params"]["cells_scored"] == 150
    assert mean(half) > right + 0.05


@pytest.mark.parametrize("groupby", [None, "group"])
@pytest.mark.parametrize("how", ["itself", "copy", "permuted"])
def test_the_same_cells_give_the_same_scores(adata: ad.AnnData, groupby: str | None, how: str) -> None:
    scored = {"itself": lambda: adata, "copy": adata.copy, "permuted": lambda: shuffled(adata)}[how]()
    for reference in (None, adata):
        scgce.tl.evaluate(scored, reference=reference, groupby=groupby)
        assert mean(scored) == pytest.approx(mean(adata, "tgt"), abs=1e-6)
        before, after = scgce.get.metrics(adata), scgce.get.metrics(scored, key="tgt_evaluated")
        for name in ("coverage", "self_similarity", "judge_knn", "judge_logreg"):
            np.testing.assert_allclose(after[name], before[name], atol=1e-6)
        params = scored.uns["tgt_evaluated"]["params"]
        assert (params["cells_scored"], params["cells_left_out"]) == (75, 225)


@pytest.mark.parametrize("form", ["h5ad", "zarr"])
def test_names_survive_a_file(adata: ad.AnnData, tmp_path: Path, form: str, right: float) -> None:
    again = shuffled(reread(adata, form, tmp_path))
    scgce.tl.evaluate(again)
    assert mean(again) == pytest.approx(right, abs=1e-6)


def test_new_cells_beside_the_old_ones_are_scored_and_the_old_ones_are_not(adata: ad.AnnData) -> None:
    new = scgce.datasets.simulated_cells(300, 80, 3, rng=1)[:150].copy()
    new.obs_names = [f"other{i}" for i in range(150)]
    new.X = new.X * 1.01  # other cells, of the same groups
    both = ad.concat([adata, new])
    scgce.tl.evaluate(both, reference=adata, judges=False)
    split = dict(zip(both.obs_names, both.uns["tgt_evaluated"]["split"], strict=True))
    own = dict(zip(adata.obs_names, adata.uns["tgt"]["split"], strict=True))
    assert all(split[name] == own.get(name, REPORT) for name in both.obs_names)
    assert both.uns["tgt_evaluated"]["params"]["cells_left_out"] == 225


def test_only_cells_that_fitted_are_an_error(adata: ad.AnnData) -> None:
    fitted = adata[np.isin(adata.uns["tgt"]["split"], (FIT, VALIDATE))].copy()
    with pytest.raises(ValueError, match="all 225 cells .* fitted or selected"):
        scgce.tl.evaluate(fitted)
    with pytest.raises(ValueError, match="all 225 cells .* fitted or selected"):
        scgce.tl.evaluate(fitted, reference=adata)


def test_cells_under_other_names_are_recognised(adata: ad.AnnData) -> None:
    renamed = adata.copy()
    renamed.obs_names = [f"{name}-0" for name in adata.obs_names]
    with pytest.raises(ValueError, match="no cell of adata has the name"):
        scgce.tl.evaluate(renamed)
    with pytest.raises(ValueError, match="very values of cells that fitted"):
        scgce.tl.evaluate(renamed, reference=adata)


def test_other_cells_under_the_same_names_are_other_cells(adata: ad.AnnData) -> None:
    other = scgce.datasets.simulated_cells(300, 80, 3, rng=2)
    with pytest.warns(UserWarning, match="may not be in the units"):  # cells of another tissue
        scgce.tl.evaluate(other, reference=adata, judges=False)
    assert other.uns["tgt_evaluated"]["params"]["cells_left_out"] == 0


def test_the_same_cells_in_another_matrix_are_the_same_cells(adata: ad.AnnData) -> None:
    brighter = adata.copy()
    brighter.X = brighter.X * 1.1
    scgce.tl.evaluate(brighter, reference=adata, judges=False)
    assert brighter.uns["tgt_evaluated"]["params"]["cells_left_out"] == 225


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_a_name_that_cells_share_counts_as_one_that_fitted(adata: ad.AnnData) -> None:
    twice = ad.concat([adata, adata])
    twice = twice[np.random.default_rng(3).permutation(600)].copy()
    twice.uns["tgt"] = adata.uns["tgt"]
    scgce.tl.evaluate(twice, judges=False)
    part = dict(zip(adata.obs_names, adata.uns["tgt"]["split"], strict=True))
    assert (twice.uns["tgt_evaluated"]["split"] == [part[name] for name in twice.obs_names]).all()


def test_changed_labels_are_noticed(adata: ad.AnnData, right: float) -> None:
    adata.obs["group"] = adata.obs["group"].cat.rename_categories({"0": "1", "1": "0"})
    with pytest.warns(UserWarning, match="other labels than they had; they are taken in the groups"):
        scgce.tl.evaluate(adata)
    assert mean(adata) == pytest.approx(right, abs=1e-6)
    with pytest.warns(UserWarning, match="other labels than they had; they are used"):
        scgce.tl.evaluate(adata, groupby="group")
    assert mean(adata) < 0.4


def test_renamed_categories_are_noticed(adata: ad.AnnData, right: float) -> None:
    adata.rename_categories("group", ["a", "b", "c"])
    with pytest.warns(UserWarning, match="300 of the explained cells other labels"):
        scgce.tl.evaluate(adata)
    assert mean(adata) == pytest.approx(right, abs=1e-6)
    assert list(adata.uns["tgt_evaluated"]["groups"]) == ["0", "1", "2"]
    with pytest.raises(ValueError, match="0 of the explanation's groups"), pytest.warns(UserWarning, match="300 of"):
        scgce.tl.evaluate(adata, groupby="group")


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_more_cells_do_not_score_higher(adata: ad.AnnData) -> None:
    def other(n_cells: int) -> ad.AnnData:
        found = scgce.datasets.simulated_cells(300, 80, 3, rng=1)
        rows = np.random.default_rng(0).choice(300, n_cells)
        found = found[rows].copy()
        found.obs_names = [f"other{i}" for i in range(n_cells)]
        noise = np.random.default_rng(1).normal(scale=0.15, size=found.shape)
        found.X = np.maximum(found.X.toarray() + noise, 0).astype(np.float32)
        return found

    found = {}
    for n_cells in (300, 3000):
        donor = other(n_cells)
        scgce.tl.evaluate(donor, reference=adata, judges=False)
        found[n_cells] = mean(donor)
        assert donor.uns["tgt_evaluated"]["params"]["cells_scored"] == 75
        scgce.tl.evaluate(donor, reference=adata, judges=False, max_cells=None, key_added="all")
        assert donor.uns["all"]["params"]["cells_scored"] == n_cells
    assert abs(found[300] - found[3000]) < 0.08


def test_the_ceiling_is_the_self_similarity_of_the_reported_cells(adata: ad.AnnData) -> None:
    split, groups = adata.uns["tgt"]["split"], adata.obs["group"].astype(str).to_numpy()
    points = (adata.X.toarray() - adata.X.toarray().mean(0)) @ adata.varm["PCs"]
    frame = scgce.get.metrics(adata)
    for name in ("0", "1", "2"):
        mine = points[(split == REPORT) & (groups == name)]
        distance = np.linalg.norm(mine[:, None] - mine[None], axis=2)
        np.fill_diagonal(distance, np.inf)
        expected = (distance.min(1) <= adata.uns["tgt"]["epsilon"]).mean()
        assert frame.loc[frame["target"] == name, "self_similarity"].to_numpy() == pytest.approx(expected, abs=0.05)
    assert scgce.get.sweep(adata)["self_similarity"][0] == pytest.approx(frame["self_similarity"].mean())


def test_an_earlier_file_is_matched_by_position_if_the_means_agree(
    adata: ad.AnnData, caplog: object, right: float
) -> None:
    before = earlier(adata)
    scgce.tl.evaluate(before)
    assert mean(before) == pytest.approx(right, abs=1e-6)
    scored = shuffled(adata)
    scgce.tl.evaluate(scored, reference=before)
    assert mean(scored) == pytest.approx(right, abs=1e-6)
    with pytest.raises(ValueError, match="explain again"):
        scgce.tl.evaluate(shuffled(before))
    with pytest.raises(ValueError, match="adata has 200 cells"):
        scgce.tl.evaluate(before[:200].copy())


def test_evidence_and_lineages_do_not_depend_on_the_order_of_the_rows(adata: ad.AnnData) -> None:
    other = shuffled(adata)
    for each in (adata, other):
        scgce.tl.evidence(each, n_permutations=20)
        scgce.tl.lineages(each, {"0": "a", "1": "a", "2": "b"}, judges=False)
    first, second = scgce.get.evidence(adata), scgce.get.evidence(other)
    for name in ("off_manifold", "below_zero", "p_correctness"):
        np.testing.assert_allclose(first[name], second[name], atol=1e-5)
    assert mean(adata, "lineages") == pytest.approx(mean(other, "lineages"), abs=1e-6)


def test_plots_and_report_move_reported_cells_only(adata: ad.AnnData) -> None:
    from scgce.pl._explanation import explanation_data

    other = shuffled(adata)
    reported = set(adata.obs_names[adata.uns["tgt"]["split"] == REPORT])
    moved = explanation_data(other, "0", "1").query("state == 'translated'")
    groups = other.obs["group"].astype(str)
    assert set(moved["cell"]) == {name for name in reported if groups[name] in ("0", "1")}
    from scgce.pl._dose import dose_data

    at_one = dose_data(other, "0", "1", doses=(1.0,))["correctness"][0]
    frame = scgce.get.metrics(adata).set_index(["source", "target"])
    assert at_one == pytest.approx(frame.loc[("0", "1"), "correctness"], abs=0.05)


def test_judges_of_the_seed_that_explained(explained: ad.AnnData) -> None:
    adata = explained.copy()
    scgce.tl.tgt(adata, "group", use_rep="X_pca", sparsity=[5], method="truncate", rng=7, penalty=0.5, nonnegative=True)
    scgce.tl.evaluate(adata)
    before, after = scgce.get.metrics(adata), scgce.get.metrics(adata, key="tgt_evaluated")
    for name in ("correctness", "judge_knn", "judge_logreg"):
        np.testing.assert_allclose(after[name], before[name], atol=1e-6)
    assert adata.uns["tgt_evaluated"]["params"]["seed"] == 7
    assert adata.uns["tgt_evaluated"]["params"]["penalty"] == 0.5
    assert adata.uns["tgt_evaluated"]["params"]["nonnegative"] is True


def test_a_judge_that_answers_in_groups_is_asked_about_lineages(adata: ad.AnnData) -> None:
    class Knows:
        def predict(self, X: np.ndarray) -> list[str]:
            return ["0" if row.sum() >= 0 else "2" for row in X]

    parents = {"0": "a", "1": "a", "2": "b"}
    scgce.tl.lineages(adata, parents, judges={"mine": Knows()})
    assert (adata.uns["lineages"]["judge_mine"][:, 0] == 1).all()
    scgce.tl.evaluate(adata, "lineages", judges={"mine": Knows()})
    assert (adata.uns["lineages_evaluated"]["judge_mine"][:, 0] == 1).all()
