"""From where and how often selection descends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from tests.core._cells import make_world
from tests.core.choose.test_select import material_of

from scgce.core.choose import select
from scgce.core.choose.parametrisation import Parametrisation
from scgce.core.choose.plan import Plan, plan_for
from scgce.core.choose.refine import RefineOptions, options_for
from scgce.core.choose.select import Explained, Material, consistent, refined, refined_consistent


@pytest.fixture(scope="module")
def material() -> Material:
    return replace(material_of(make_world(), 3.0), options=RefineOptions(steps=2))  # descents are counted


@pytest.fixture(scope="module")
def few(material: Material) -> Material:
    """What is tried on few genes (the world has 24) of few groups."""
    return replace(material, plan=plan_for(24, 12))


def steps_of(run: object, material: Material, k: int) -> int:
    steps: list[int] = []
    run(material, k, on_step=lambda: steps.append(1))  # type: ignore[operator]
    return len(steps)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_consistent_starts_are_the_richest_points_that_fit(material: Material, k: int) -> None:
    most = [int((point.translations.pairs() != 0).sum(2).max()) for point in material.points]
    fitting = [point for point, count in zip(material.points, most, strict=True) if count <= k]
    assert 0 < len(fitting) < len(material.points)
    assert select._fitting(material.points, k, 3) == fitting[-3:]


def test_where_no_point_fits_nothing_is_translated(material: Material) -> None:
    rich = [point for point in material.points if int(point.counts.max()) > 1]
    (origin,) = select._fitting(rich, 1, 3)
    assert origin.translations.genes.numel() == 0 and origin.translations.values.shape == (4, 0)
    assert origin.lam == rich[0].lam, "the largest λ, at which least is translated"


def consistent_beside(material: Material, k: int, on_step: object = None) -> Explained:
    """The consistent variant of what is refined."""
    return refined_consistent(material, k, refined(material, k), on_step)  # type: ignore[arg-type]


def test_the_consistent_variant_is_refined_from_each_of_its_starts(material: Material) -> None:
    for plan in (Plan(), Plan(consistent=True)):
        planned = replace(material, plan=plan)
        assert steps_of(consistent_beside, planned, 3) == (1 + plan.consistent) * material.options.steps


def test_what_is_refined_is_the_start_of_the_consistent_variant(material: Material) -> None:
    k, planned = 3, replace(material, plan=Plan())
    beside = refined(planned, k)
    found = refined_consistent(planned, k, beside)
    translations = found.translations
    assert int(translations.counts().max()) <= k and not found.pair_cut
    given, made = beside.translations.dense()[:, translations.genes], translations.values
    lower = made[:, None] < made[None, :]
    assert lower.any() and (given[:, None] <= given[None, :])[lower].all(), (
        "groups stand in the order of the refined one"
    )
    assert refined_consistent(replace(planned, plan=Plan(consistent=True)), k, beside).quality >= found.quality


@pytest.fixture(scope="module")
def alone(material: Material) -> Material:
    """A path that uses one gene."""
    gene = torch.tensor([0])
    points = [
        replace(point, translations=replace(point.translations, genes=gene, values=point.translations.dense()[:, gene]))
        for point in material.points
        if bool((point.translations.dense()[:, 0] != 0).any())
    ]
    return replace(material, points=points, means=None)


def test_a_single_gene_is_refined_as_well(alone: Material) -> None:
    assert consistent(alone, 1).translations.genes.tolist() == [0]
    assert steps_of(consistent_beside, alone, 1) == alone.options.steps
    assert refined(alone, 1).translations.genes.tolist() == [0]
    assert steps_of(refined, alone, 1) == alone.options.steps


@pytest.mark.parametrize("run", [refined, consistent_beside])
def test_few_genes_end_with_a_search_on_the_metrics_many_do_not(
    run: Callable[[Material, int], Explained], few: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[Parametrisation] = []
    plain = select.polish

    def spy(cells: object, amounts: Parametrisation, *args: object, **kwargs: object) -> torch.Tensor:
        searched.append(amounts)
        return plain(cells, amounts, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(select, "polish", spy)
    found = run(few, 3)
    expected = {refined: few.plan.searches, consistent_beside: few.plan.searches + 4}[run]
    assert len(searched) == expected > 0
    assert found.quality >= run(replace(few, plan=replace(few.plan, searches=0)), 3).quality
    assert len(searched) == expected


@pytest.mark.parametrize("plan", [plan_for(24, 12), plan_for(24, 1560), plan_for(1000, 12), plan_for(1000, 72)])
def test_the_bar_of_progress_knows_the_descents(material: Material, plan: Plan) -> None:
    planned = replace(material, plan=plan)
    richer = refined(planned, 5)

    def run(material: Material, k: int, on_step: Callable[[], None]) -> None:
        refined(material, k, richer, on_step)

    assert steps_of(run, planned, 3) == plan.most_descents * material.options.steps


def test_what_is_tried_is_named_and_the_best_is_taken(few: Material) -> None:
    found = list(select.tried(few, 3))
    assert found[0][0] == "truncate"
    best = max(explained.quality for _, explained in found)
    assert refined(few, 3).quality == best


def test_few_genes_of_many_groups_are_refined_once_more(material: Material) -> None:
    plan = plan_for(24, 1560)
    assert plan.again and not plan.searches
    once = replace(material, plan=replace(plan, again=False))
    more = steps_of(refined, replace(material, plan=plan), 3) - steps_of(refined, once, 3)
    assert more == 2 * plan.orders * material.options.steps, "exploring and not"


@pytest.mark.thorough
def test_little_work_is_searched_again_and_longer_much_work_is_not() -> None:
    little, much = (80, 6), (2000, 72)
    assert plan_for(*little).again and plan_for(*little).most_descents > plan_for(*much).most_descents
    assert not plan_for(*much).again and not plan_for(*little).searches, "a search pays on a table of few genes"
    assert plan_for(*much, much[1] // 2).fresh and not plan_for(*much, much[1]).fresh, "a few pairs leave room for more"
    for size in (little, (30, 10_000)):
        assert options_for(*size) == RefineOptions()
    assert options_for(*much).steps < RefineOptions().steps and options_for(*much).cells < RefineOptions().cells


def test_few_genes_are_given_more_descents_than_many(material: Material, few: Material) -> None:
    assert steps_of(refined, few, 3) > steps_of(refined, material, 3)


@pytest.mark.parametrize(
    ("asked", "solved"),
    [([1], [1, 3, 8, 20, 50]), ([10], [10, 25, 63]), ([29], [29, 73]), ([2, 30], [2, 30]), ([50], [50])],
)
def test_refinement_of_few_genes_starts_from_more(asked: list[int], solved: list[int]) -> None:
    assert select.ladder(asked, "refine", 1000) == solved
    for method in ("refine_consistent", "path", "truncate"):
        assert select.ladder(asked, method, 1000) == asked


def test_the_ladder_ends_at_all_genes_and_small_tables_have_none() -> None:
    assert select.ladder([20, 10], "refine", 40) == [10, 20, 40]
    assert select.ladder([5], "refine", 31) == [5, 13, 31]
    assert select.ladder([5], "refine", 30) == [5]
    assert select.ladder([31], "refine", 31) == [31]


def test_one_sparsity_is_refined_as_in_a_sweep(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "SMALL", 23)  # the world has 24 genes
    rungs = select.ladder([2], "refine", 24)
    assert rungs == [2, 5, 13, 24]
    (alone,) = select.choose(material, [2], "refine")
    sweep = select.choose(material, rungs, "refine")
    assert alone.sparsity == 2 and [found.sparsity for found in sweep] == rungs
    assert torch.equal(alone.translations.dense(), sweep[0].translations.dense())
    assert alone.quality == sweep[0].quality
