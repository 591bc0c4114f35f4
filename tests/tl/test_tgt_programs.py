"""Explanations in programmes through the public functions: what is stored and read, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests._files import reread
from tests.tl._frozen import frozen

import scgce
from scgce.programs import resolve_programs
from scgce.programs.evidence import random_programs

L, D = 4, 60
SETS = {
    "of B": [f"gene{g}" for g in range(5)],
    "of T": [f"gene{g}" for g in range(5, 10)],
    "of NK": [f"gene{g}" for g in range(10, 15)],
    "of 3": [f"gene{g}" for g in range(15, 20)],
    "noise": [f"gene{g}" for g in range(20, 60)],
}
OPTIONS = {"use_rep": "X_pca", "programs": SETS, "sparsity": (1, 2, 5)}


@pytest.fixture(scope="module")
def explained(_blobs: ad.AnnData) -> ad.AnnData:
    adata = _blobs.copy()
    scgce.tl.tgt(adata, "group", **OPTIONS)
    return adata


def basis_of(adata: ad.AnnData, k: int) -> np.ndarray:
    return scgce.get.deltas(adata, sparsity=k).to_numpy()


def test_two_programmes_turn_any_group_into_any_other(explained: ad.AnnData) -> None:
    entry = explained.uns["tgt"]
    assert entry["programs"]["names"].tolist() == list(SETS)
    levels = scgce.get.codebook(explained, sparsity=2)["level"]
    own = {"of B": "B/1", "of T": "T cell", "of NK": "NK", "of 3": "3"}
    for program, group in own.items():
        assert levels.loc[program].tolist() == [int(name == group) for name in levels.columns]
    assert (levels.loc["noise"] == 0).all()
    metrics = scgce.get.metrics(explained, sparsity=2)
    assert (metrics["n_programs"] == 2).all() and (metrics["n_genes"] == 10).all()
    sweep = scgce.get.sweep(explained).set_index("sparsity", drop=False)
    # few cells lie in eight dimensions: at this ε real cells of a group find each other in 86 of 100 cases
    assert sweep.loc[2, "correctness"] > 0.9 * sweep.loc[2, "self_similarity"]
    assert sweep.loc[2, "correctness"] > sweep.loc[5, "correctness"] - 0.05
    assert (metrics[["judge_logreg", "judge_knn"]] > 0.9).all(axis=None)
    assert sweep["sparsity"].tolist() == [1, 2, 5]
    assert (sweep["count_mean"] <= sweep["sparsity"]).all()


def test_amounts_are_the_real_differences_of_level_means(explained: ad.AnnData) -> None:
    entry, split = explained.uns["tgt"], explained.uns["tgt"]["split"]
    frame = scgce.get.explanation(explained, "B/1", "NK", sparsity=2, by="gene").set_index("gene")
    codes, X = explained.obs["group"], explained.X.toarray().astype(float)
    fitting = split == 0
    inside = fitting & (codes == "B/1").to_numpy()
    rest = fitting & (codes != "B/1").to_numpy()
    for g in range(5):
        expected = X[rest, g].mean() - X[inside, g].mean()
        assert frame.loc[f"gene{g}", "delta"] == pytest.approx(expected, abs=1e-5)
        assert frame.loc[f"gene{g}", "program"] == "of B"
    assert (np.abs(entry["deltas"].max(0) - entry["deltas"].min(0)) <= np.ptp(entry["means"], axis=0) + 1e-5).all()


def test_triangles_are_exact(explained: ad.AnnData) -> None:
    for k in (1, 2, 5):
        basis = basis_of(explained, k).astype(float)
        pairs = basis[None] - basis[:, None]
        assert (pairs[:, :, None] + pairs[None] == pairs[:, None]).all()


def test_explanation_has_a_row_a_programme(explained: ad.AnnData) -> None:
    frame = scgce.get.explanation(explained, "B/1", "NK", sparsity=2).set_index("program")
    assert set(frame.index) == {"of B", "of NK"}
    assert frame.loc["of B", ["level_source", "level_target"]].tolist() == ["high", "low"]
    assert frame.loc["of NK", "size"] > 0 > frame.loc["of B", "size"]
    assert frame["share"].sum() == pytest.approx(1)
    assert frame.loc["of B", "n_genes"] == 5 and "gene0 (-" in frame.loc["of B", "leading_genes"]
    back = scgce.get.explanation(explained, "NK", "B/1", sparsity=2).set_index("program")
    np.testing.assert_allclose(back.loc[frame.index, "size"], -frame["size"])
    long = scgce.get.pairs(explained, sparsity=2)
    assert len(long) == 2 * L * (L - 1) and {"source", "target", "program"} <= set(long)
    assert {"gene", "delta"} <= set(scgce.get.pairs(explained, sparsity=2, by="gene"))


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_survives_a_file(explained: ad.AnnData, tmp_path: Path, suffix: str) -> None:
    again = reread(explained, suffix, tmp_path)
    for read in (scgce.get.codebook, scgce.get.metrics, scgce.get.sweep, scgce.get.pairs):
        pd.testing.assert_frame_equal(read(again), read(explained))
    fewer = again[:, ::2].copy()
    pd.testing.assert_frame_equal(scgce.get.codebook(fewer), scgce.get.codebook(explained))


def test_the_other_tools_read_it(explained: ad.AnnData) -> None:
    adata = explained.copy()
    scgce.tl.evaluate(adata)
    evaluated = scgce.get.metrics(adata, key="tgt_evaluated")
    np.testing.assert_allclose(evaluated["correctness"], scgce.get.metrics(adata)["correctness"])
    pd.testing.assert_frame_equal(scgce.get.codebook(adata, key="tgt_evaluated"), scgce.get.codebook(adata))
    scgce.tl.evidence(adata, n_permutations=3, n_random=0)
    assert adata.uns["tgt"]["evidence"]["triangle_error"] == 0
    assert scgce.get.evidence(adata)["consistency_price"].isna().all()
    assert not [column for column in scgce.get.evidence(adata) if "random" in column]
    scgce.tl.rank_genes(adata)
    scgce.tl.lineages(adata, {"B/1": "B", "T cell": "T", "NK": "T", "3": "T"})
    assert len(scgce.get.explanation(adata, "B", "T", key="lineages")) > 0
    assert len(scgce.get.markers(adata)) > 0


def test_a_part_of_the_groups_is_evaluated(explained: ad.AnnData) -> None:
    some = explained[explained.obs["group"] != "NK"].copy()
    scgce.tl.evaluate(some, reference=explained, key_added="again")
    levels = scgce.get.codebook(some, key="again")["level"]
    pd.testing.assert_frame_equal(levels, scgce.get.codebook(explained)["level"].drop(columns="NK"))


def test_levels_are_stable_over_bootstraps(explained: ad.AnnData) -> None:
    adata = explained.copy()
    scgce.tl.stability(adata, sparsity=2, n_bootstraps=4)
    found = adata.uns["tgt"]["stability"]
    assert found["level_agreement"].shape == (5, L) and (found["level_agreement"] > 0.9).all()
    frame = scgce.get.stability(adata, "B/1", "NK").set_index("program")
    assert (frame.loc[["of B", "of NK"], "frequency"] == 1).all()
    sizes = scgce.get.explanation(adata, "B/1", "NK", sparsity=2).set_index("program")["size"]
    for program, size in sizes.items():
        assert frame.loc[program, "low"] - 0.3 <= size <= frame.loc[program, "high"] + 0.3
    arranged = adata[:, np.random.default_rng(0).permutation(D)].copy()
    scgce.tl.stability(arranged, sparsity=2, n_bootstraps=4)
    again = arranged.uns["tgt"]["stability"]
    np.testing.assert_allclose(again["program_frequency"], found["program_frequency"])
    scgce.pl.stability(adata, "B/1", "NK", show=False)


def test_auto_learns_on_the_fitting_cells(blobs: ad.AnnData) -> None:
    one = blobs.copy()
    scgce.tl.tgt(one, "group", use_rep="X_pca", programs="auto", judges=False)
    entry = one.uns["tgt"]
    assert entry["params"]["programs"] == "auto" and entry["programs"]["learned"].all()
    other = blobs.copy()  # other values in all cells but the fitting ones, the map left as it is
    changed = other.X.toarray()
    changed[entry["split"] != 0, 0] += 5
    other.X = type(other.X)(changed)
    scgce.tl.tgt(other, "group", encoder=_encoder(one), programs="profile", sparsity=2, judges=False)
    scgce.tl.tgt(one, "group", encoder=_encoder(one), programs="profile", sparsity=2, judges=False)
    assert (one.uns["tgt"]["programs"]["membership"] != other.uns["tgt"]["programs"]["membership"]).nnz == 0


def _encoder(adata: ad.AnnData) -> object:
    from scgce.encoders import encoder_from_uns

    return encoder_from_uns(adata.uns["tgt"]["encoder"])


def test_a_stored_key_and_the_same_sets_agree(blobs: ad.AnnData) -> None:
    if not hasattr(scgce.tl, "programs"):
        pytest.skip("tl.programs is not there yet")
    adata = blobs.copy()
    scgce.tl.programs(adata, "group", source=SETS, rest=False)
    scgce.tl.tgt(adata, "group", use_rep="X_pca", programs="programs", sparsity=2, judges=False)
    scgce.tl.tgt(adata, "group", **{**OPTIONS, "sparsity": 2}, judges=False, key_added="given")
    pd.testing.assert_frame_equal(scgce.get.codebook(adata), scgce.get.codebook(adata, key="given"))


def test_sets_of_symbols_are_matched_by_the_column_that_has_them(blobs: ad.AnnData, explained: ad.AnnData) -> None:
    """Cells as CELLxGENE has them, and others whose identifiers are no Ensembl ones."""
    for names in ([f"ENSG{g:011d}" for g in range(D)], [f"probe_{g}" for g in range(D)]):
        adata = blobs.copy()
        adata.var["feature_name"], adata.var_names = blobs.var_names, names
        with pytest.raises(ValueError, match=r"only 0% .* has 100% of them: gene_symbols='feature_name' matches by it"):
            scgce.tl.tgt(adata, "group", **OPTIONS)
        scgce.tl.tgt(adata, "group", **OPTIONS, gene_symbols="feature_name")
        entry, expected = adata.uns["tgt"], explained.uns["tgt"]
        assert list(entry["genes"]) == names
        np.testing.assert_array_equal(entry["programs"]["levels"], expected["programs"]["levels"])
        np.testing.assert_array_equal(entry["deltas"], expected["deltas"])


def test_learned_programmes_are_named_by_symbols(blobs: ad.AnnData) -> None:
    adata = blobs.copy()
    adata.var["symbol"] = [f"SYM{g}" for g in range(D)]
    options = {"use_rep": "X_pca", "sparsity": 1, "judges": False, "gene_symbols": "symbol"}
    for programs in ("auto", "profile"):
        scgce.tl.tgt(adata, "group", **options, programs=programs)
        stored = adata.uns["tgt"]
        assert all("SYM" in name and "gene" not in name for name in stored["programs"]["names"])
        assert list(stored["genes"]) == list(blobs.var_names)
    with pytest.raises(ValueError, match="gene_symbols='symbol' has a meaning with programs, gene_costs or"):
        scgce.tl.tgt(adata, "group", **options)


def test_a_series_of_modules_is_a_source(blobs: ad.AnnData, explained: ad.AnnData) -> None:
    modules = pd.Series({gene: name for name, genes in SETS.items() for gene in genes})
    scgce.tl.tgt(blobs, "group", **{**OPTIONS, "programs": modules, "sparsity": 2}, judges=False)
    one = scgce.get.codebook(blobs)["level"].loc[list(SETS)]
    pd.testing.assert_frame_equal(one, scgce.get.codebook(explained, sparsity=2)["level"])


def test_same_seed_same_bytes(blobs: ad.AnnData, explained: ad.AnnData) -> None:
    again = scgce.tl.tgt(blobs.copy(), "group", **OPTIONS, copy=True)
    assert frozen(again.uns["tgt"]) == frozen(explained.uns["tgt"])


@given(st.integers(0, 1000))
@settings(max_examples=4)
def test_arrangement_does_not_matter(explained: ad.AnnData, seed: int) -> None:
    """Cells, genes, groups and programmes in another order."""
    rng = np.random.default_rng(seed)
    other = explained[rng.permutation(explained.n_obs)][:, rng.permutation(explained.n_vars)].copy()
    names = rng.permutation(list(other.obs["group"].cat.categories))
    other.obs["group"] = other.obs["group"].cat.reorder_categories(list(names))
    turned = {name: SETS[name] for name in rng.permutation(list(SETS))}
    scgce.tl.tgt(other, "group", **{**OPTIONS, "programs": turned})
    for k in (1, 2, 5):
        one, two = scgce.get.codebook(explained, sparsity=k), scgce.get.codebook(other, sparsity=k)
        for block in ("level", "mean"):
            own = one[block]
            pd.testing.assert_frame_equal(two[block].loc[own.index, own.columns], own, atol=1e-5)


def test_count_max_bounds_every_pair(blobs: ad.AnnData) -> None:
    adata = scgce.tl.tgt(blobs, "group", **{**OPTIONS, "sparsity": (1, 2, 3)}, count="max", judges=False, copy=True)
    for k in (1, 2, 3):
        assert scgce.get.metrics(adata, sparsity=k)["n_programs"].max() <= k


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"amplitude": 3.0}, ValueError, "amplitude=3.0 with programs.*'auto' or 1"),
        ({"amplitude": None}, ValueError, "amplitude=None with programs"),
        ({"method": "path"}, ValueError, "method='path' with programs"),
        ({"lam": 0.1}, ValueError, "lam=0.1 with programs"),
        ({"gene_costs": np.full(D, 2.0)}, ValueError, "gene_costs with programs"),
        ({"sparsity": 6}, ValueError, "sparsity=6.*between 1 and 5"),
        ({"sparsity": 0}, ValueError, "sparsity=0"),
        ({"programs": {}}, ValueError, "programs leaves no programme .*; found: none"),
        ({"programs": {"empty": []}}, ValueError, r"programs leaves no programme .*; found: empty \(0 of 0\)"),
        ({"programs": {"unknown": ["a", "b", "c", "d", "e"]}}, ValueError, r"programs leaves .*unknown \(0 of 5\)"),
        ({"programs": "nowhere"}, KeyError, "programs='nowhere'"),
        (
            {"programs": pd.DataFrame({"a": [np.nan] * D}, index=[f"gene{g}" for g in range(D)])},
            ValueError,
            r"programs \(DataFrame .*\) has NaN",
        ),
        ({"count": "median"}, ValueError, "count='median'"),
    ],
)
def test_bad_input(blobs: ad.AnnData, wrong: dict, error: type, message: str) -> None:
    before = frozen(dict(blobs.uns))
    with pytest.raises(error, match=message):
        scgce.tl.tgt(blobs, "group", **{**OPTIONS, **wrong})
    assert frozen(dict(blobs.uns)) == before


def test_one_programme_and_one_without_difference(blobs: ad.AnnData) -> None:
    adata = blobs.copy()
    every = {"everything": [f"gene{g}" for g in range(D)]}
    scgce.tl.tgt(adata, "group", use_rep="X_pca", programs=every, judges=False)
    assert scgce.get.sweep(adata)["sparsity"].tolist() == [1]
    assert (scgce.get.metrics(adata)["n_programs"] <= 1).all()
    flat = adata.copy()
    dense = flat.X.toarray()
    dense[:, 20:] = 1.0
    flat.X = type(flat.X)(dense)
    with pytest.raises(ValueError, match="no programme differs"):
        scgce.tl.tgt(flat, "group", encoder=_encoder(adata), programs=SETS, mask_var=np.arange(D) >= 20)


def test_a_file_that_is_not_there_is_found_out_before_a_student_is_trained(
    blobs: ad.AnnData, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scgce")
    for programs, message in (
        ("no.gmt", "programs='no.gmt': there is no such file"),
        ("none", "programs='none' not in"),
    ):
        with pytest.raises((OSError, KeyError), match=message):
            scgce.tl.tgt(blobs, "group", use_rep="X_umap", programs=programs)
    assert not [record for record in caplog.records if "student" in record.message]
    with pytest.raises(ValueError, match="count='max' has a meaning with programs only"):
        scgce.tl.tgt(blobs, "group", use_rep="X_umap", count="max")


def test_sets_left_out_are_named_once(blobs: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "scgce")
    scgce.tl.tgt(blobs, "group", **{**OPTIONS, "programs": {**SETS, "small": ["gene0", "gene1"]}}, judges=False)
    assert sum("small (2 of 2)" in record.message for record in caplog.records) == 1


def test_results_in_genes_say_so(blobs: ad.AnnData) -> None:
    adata = scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=2, method="truncate", judges=False, copy=True)
    with pytest.raises(ValueError, match="explains in genes"):
        scgce.get.codebook(adata)
    with pytest.raises(ValueError, match="by='program'"):
        scgce.get.explanation(adata, "B/1", "NK", by="program")
    assert adata.uns["tgt"]["params"]["amplitude"] == 3.0


def test_random_programmes_are_explained_as_by_hand(explained: ad.AnnData) -> None:
    """Each draw by `tl.tgt` itself, given the dealt sets; p by counting."""
    adata = explained.copy()
    scgce.tl.evidence(adata, sparsity=2, n_permutations=0, doses=(1.0,), n_random=3)
    found, generator = adata.uns["tgt"]["evidence"], np.random.default_rng(adata.uns["tgt"]["params"]["seed"])
    own = scgce.get.metrics(adata, sparsity=2)[["correctness", "coverage"]]
    drawn, genes = [], []
    for _ in range(3):
        dealt = random_programs(resolve_programs(SETS, adata.var_names.to_numpy()), generator)
        members = {name: adata.var_names[dealt.leading(m)].tolist() for m, name in enumerate(dealt.names)}
        scgce.tl.tgt(adata, "group", **{**OPTIONS, "programs": members, "sparsity": 2}, judges=False, key_added="null")
        metrics = scgce.get.metrics(adata, key="null")
        drawn.append(metrics[["correctness", "coverage"]].to_numpy())
        genes.append(metrics["n_genes"].mean())
    null, frame = np.stack(drawn), scgce.get.evidence(adata)
    np.testing.assert_allclose(frame[["random_correctness", "random_coverage"]], null.mean(0), atol=1e-6)
    counted = (1 + (null >= own.to_numpy() - 1e-9).sum(0)) / 4
    np.testing.assert_allclose(frame[["p_random_correctness", "p_random_coverage"]], counted)
    as_well = (null.mean((1, 2)) >= own.to_numpy().mean() - 1e-9).sum()
    assert (frame["p_random"] == (1 + as_well) / 4).all() and as_well == 0
    np.testing.assert_allclose(found["random_genes"], genes, atol=0.5)


def test_programmes_that_mean_nothing_are_no_better_than_random_ones(explained: ad.AnnData) -> None:
    adata = explained.copy()
    dealt = random_programs(resolve_programs(SETS, adata.var_names.to_numpy()), 5)
    members = {name: adata.var_names[dealt.leading(m)].tolist() for m, name in enumerate(dealt.names)}
    scgce.tl.tgt(adata, "group", **{**OPTIONS, "programs": members, "sparsity": 2}, judges=False)
    scgce.tl.evidence(adata, n_permutations=0, doses=(1.0,), n_random=7)
    assert scgce.get.evidence(adata)["p_random"].iloc[0] > 1 / 8


def test_prices_and_masks_name_genes_by_symbols(blobs: ad.AnnData) -> None:
    adata, options = blobs.copy(), {"use_rep": "X_pca", "sparsity": 2, "judges": False, "method": "truncate"}
    adata.var["symbol"] = [f"SYM{g}" for g in range(D)]
    costs, mask = {"SYM0": np.inf, "SYM3": 2.0}, pd.Series(np.arange(D) != 5, index=adata.var["symbol"])
    scgce.tl.tgt(adata, "group", **options, gene_costs=costs, mask_var=mask, gene_symbols="symbol")
    own = {adata.var_names[0]: np.inf, adata.var_names[3]: 2.0}
    scgce.tl.tgt(blobs, "group", **options, gene_costs=own, mask_var=mask.to_numpy())
    np.testing.assert_array_equal(adata.uns["tgt"]["gene_costs"], blobs.uns["tgt"]["gene_costs"])
    np.testing.assert_array_equal(adata.uns["tgt"]["deltas"], blobs.uns["tgt"]["deltas"])
    with pytest.raises(KeyError, match="gene_symbols='symbol'"):
        scgce.tl.tgt(adata, "group", **options, gene_costs=costs)
