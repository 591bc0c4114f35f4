"""`tl.panel` on AnnData: what it holds to, what it says, and that nothing depends on arrangement."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from tests._files import reread

from scgce import datasets, get, pl, tl
from scgce.explain.split import split_cells


@pytest.fixture(scope="module")
def made() -> ad.AnnData:
    adata = datasets.simulated_cells(400, 60, 4, rng=2)
    adata.obs["half"] = np.where(adata.obs["group"].isin(adata.obs["group"].cat.categories[:2]), "one", "other")
    return adata


@pytest.fixture
def adata(made: ad.AnnData) -> ad.AnnData:
    return made.copy()


def genes(adata: ad.AnnData, key: str = "panel") -> list[str]:
    return get.panel(adata, key=key)["gene"].tolist()


def test_the_panel_tells_the_groups_apart_better_than_chance_genes(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", 6)
    split = split_cells(adata.obs["group"].cat.codes.to_numpy()[_canonical(adata)], 4, 0.25, 0)
    scored = np.zeros(adata.n_obs, dtype=bool)
    scored[_canonical(adata)] = split == 2
    score = {}
    for name, chosen in {
        "panel": genes(adata),
        "others": [g for g in adata.var_names if g not in genes(adata)][:6],
    }.items():
        values = adata[:, chosen].X.toarray()
        model = LogisticRegression(max_iter=500).fit(values[~scored], adata.obs["group"][~scored])
        score[name] = balanced_accuracy_score(adata.obs["group"][scored], model.predict(values[scored]))
    assert score["panel"] > score["others"] + 0.1
    curve = get.panel_curve(adata)
    assert curve["judge_logreg"].iloc[-1] == pytest.approx(score["panel"], abs=0.05)
    assert curve["accuracy"].iloc[-1] == get.panel(adata, key="panel")["accuracy"].iloc[-1]


def _canonical(adata: ad.AnnData) -> np.ndarray:
    return np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable")


def test_nothing_depends_on_the_order_of_cells_genes_or_groups(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", 12)
    rng = np.random.default_rng(0)
    other = adata[rng.permutation(adata.n_obs), rng.permutation(adata.n_vars)].copy()
    del other.uns["panel"]
    tl.panel(other, "group", 12)
    pd.testing.assert_frame_equal(get.panel(adata, key="panel"), get.panel(other, key="panel"), rtol=1e-6)
    other.obs["group"] = other.obs["group"].cat.reorder_categories(other.obs["group"].cat.categories[::-1])
    tl.panel(other, "group", 12)
    assert genes(other) == genes(adata)


def test_forbidden_never_fixed_always_and_the_price_within_the_budget(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", 8)
    best = genes(adata)
    adata.var["price"] = 1.0
    adata.var.loc[best[:3], "price"] = np.inf
    poor = next(g for g in adata.var_names if g not in best)
    adata.var.loc[poor, "price"] = 0.0
    tl.panel(adata, "group", 30, gene_costs="price", fixed=[poor, best[4]], budget=5)
    frame = get.panel(adata, key="panel")
    assert frame["gene"][:2].tolist() == [poor, best[4]] and frame["fixed"].sum() == 2
    assert not set(best[:3]) & set(frame["gene"])
    assert frame["cost"].sum() <= 5 and len(frame) >= 6
    tl.panel(adata, "group", 5, mask_var=adata.var_names.isin(best[2:]))
    assert set(genes(adata)) <= set(best[2:])


def test_cheap_genes_are_preferred(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", 5)
    dear = genes(adata)[0]
    prices = pd.Series(1.0, index=adata.var_names)
    prices[dear] = 1000.0
    tl.panel(adata, "group", 5, gene_costs=prices)
    assert dear not in genes(adata)


def test_auto_chooses_the_fewest_that_are_as_good(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", "auto")
    frame = get.panel_curve(adata)
    best = frame["validation"].max()
    chosen = len(genes(adata))
    assert 1 <= chosen < 60 and frame["validation"][chosen - 1] >= best - 0.1
    assert (frame["validation"][: chosen - 1] < frame["validation"][chosen - 1] + 1e-12).all()


def test_programmes_are_all_read(adata: ad.AnnData) -> None:
    names = adata.var_names
    programs = {"first": names[:5].tolist(), "second": names[30:33].tolist(), "third": [names[59], "not here"]}
    tl.panel(adata, "group", 6, programs=programs)
    for members in programs.values():
        assert set(members) & set(genes(adata))
    adata.varm["sets"] = np.eye(60)[:, [7, 9]]
    tl.panel(adata, "group", 6, programs="sets")
    assert {names[7], names[9]} <= set(genes(adata))


def test_neighbours_count_through_lineages_and_tables(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", 4)
    plain = adata.uns["panel"]["distance"].copy()
    names = adata.uns["panel"]["groups"]
    table = pd.DataFrame(0.0, index=names, columns=names)
    table.iloc[2, 3] = table.iloc[3, 2] = 1.0
    tl.panel(adata, "group", 4, pair_weights=table)
    assert adata.uns["panel"]["distance"][2, 3] > plain[2, 3]
    tl.panel(adata, "group", 4, pair_weights="half")
    told = adata.uns["panel"]["distance"].copy()
    adata.obs["some"] = adata.obs["half"].astype(str).where(np.arange(adata.n_obs) % 5 > 0)
    tl.panel(adata, "group", 4, pair_weights="some")
    np.testing.assert_array_equal(adata.uns["panel"]["distance"], told)  # cells without a label say nothing
    with pytest.raises(ValueError, match="pair_weights='group'"):
        tl.panel(adata, "group", 4, pair_weights="group")
    with pytest.raises(ValueError, match="the same for"):
        tl.panel(adata, "group", 4, pair_weights=table + np.triu(np.ones((4, 4)), 1))


def test_the_genes_of_an_explanation(adata: ad.AnnData) -> None:
    sc.pp.pca(adata, n_comps=10)
    tl.dbm(adata, "group", use_rep="X_pca", sparsity=3, judges=False)
    used = set(get.pairs(adata, key="dbm")["gene"])
    assert len(used) < 40
    tl.panel(adata, "group", 5, key="dbm")
    frame = get.panel(adata, key="panel")
    assert set(frame["gene"]) <= used
    assert frame["share"].is_monotonic_increasing and (frame["worst_share"] <= frame["share"]).all()
    tl.panel(adata, "group", 5, key="dbm", restrict=False)
    bound = get.panel(adata, key="panel")["bound"].iloc[-1]
    assert bound <= frame["bound"].iloc[-1] * 1.01
    serving = get.panel(adata, 5, key="dbm")
    assert serving.columns.tolist()[:3] == ["rank", "gene", "n_pairs"]
    with pytest.raises(ValueError, match="is a panel"):
        get.panel(adata, key="panel", sparsity=3)


@pytest.mark.parametrize("write", ["h5ad", "zarr"])
def test_a_panel_survives_a_file(adata: ad.AnnData, tmp_path, write: str) -> None:
    adata.obs["group"] = adata.obs["group"].cat.rename_categories(["CD4+/CD25 T Reg", "B,1", "c", "d"])
    tl.panel(adata, "group", "auto")
    back = reread(adata, write, tmp_path)
    for read in (lambda a: get.panel(a, key="panel"), get.panel_curve, get.panel_pairs):
        pd.testing.assert_frame_equal(read(back), read(adata))
    pl.panel(back, show=False)
    back.uns["panel"]["bound"] = back.uns["panel"]["bound"][:2]
    with pytest.raises(ValueError, match="damaged"):
        get.panel(back, key="panel")
    del back.uns["panel"]["bound"]
    with pytest.raises(ValueError, match="missing: bound"):
        get.panel_curve(back)


def test_copies_short_panels_and_pairs_alike_are_said_in_words(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], 40)
    signal = np.array([0.0, 3.0, 3.0])[codes] + rng.normal(size=120)  # groups 1 and 2 are alike
    values = np.column_stack([signal, signal, np.full(120, 2.0)]).astype(np.float32)
    obs = pd.DataFrame({"group": pd.Categorical.from_codes(codes, ["a", "b", "c"])}, [f"cell{i}" for i in range(120)])
    adata = ad.AnnData(values, obs=obs, var=pd.DataFrame(index=["gene", "copy", "constant"]))
    with caplog.at_level(logging.WARNING, logger="scgce"):
        tl.panel(adata, "group", 3)
    assert genes(adata) == ["copy"]
    assert "the panel ends after 1 of 3 genes" in caplog.text
    assert "gene (as copy)" in caplog.text
    assert "hardly tells apart" in caplog.text and "b / c (0." in caplog.text
    assert get.panel_pairs(adata).iloc[0][["source", "target"]].tolist() == ["b", "c"]
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="scgce"):
        tl.panel(adata, "group", 2, fixed=["constant"])
    assert "do not vary within any group: constant" in caplog.text


def test_groups_of_one_cell_are_named(adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    labels = adata.obs["group"].astype(str)
    labels.iloc[0] = "lonely"
    adata.obs["group"] = labels.astype("category")
    with pytest.raises(ValueError, match=r"lonely \(1\)"):
        tl.panel(adata, "group", 5)
    with caplog.at_level(logging.WARNING, logger="scgce"):
        tl.panel(adata, "group", 5, min_cells=1, validation_fraction=0)
    assert "no panel can be trusted with: lonely" in caplog.text
    assert np.isfinite(get.panel(adata, key="panel")["bound"]).all()


def test_what_contradicts_itself_is_refused(adata: ad.AnnData) -> None:
    prices = pd.Series(1.0, index=adata.var_names)
    prices.iloc[0] = np.inf
    first, second = adata.var_names[:2]
    for options, said in (
        ({"fixed": [first], "gene_costs": prices}, "gene_costs forbid"),
        ({"fixed": [first, second], "n_genes": 1}, "at most n_genes=1"),
        ({"fixed": [second], "budget": 0.5}, "the fixed genes cost 1"),
        ({"programs": {"a": [first], "b": [second]}, "n_genes": 1}, "need as many genes"),
    ):
        before = set(adata.uns)
        with pytest.raises(ValueError, match=said):
            tl.panel(adata, "group", **{"n_genes": 5, **options})
        assert set(adata.uns) == before


BAD_WISHES = {
    "prices of other genes": (lambda names: {"gene_costs": pd.Series(1.0, index=["x", "y"])}, "names no gene"),
    "a price that is NaN": (lambda names: {"gene_costs": np.where(names == names[1], np.nan, 1.0)}, "nan"),
    "a price below 0": (lambda names: {"gene_costs": np.where(names == names[1], -1.0, 1.0)}, "-1"),
    "every gene forbidden": (lambda names: {"gene_costs": np.full(len(names), np.inf)}, "forbids every gene"),
    "too few prices": (lambda names: {"gene_costs": np.ones(len(names) - 1)}, "one value a gene"),
    "a budget that pays nothing": (lambda names: {"budget": 0.5}, "cheapest gene costs 1"),
    "an unknown gene": (lambda names: {"fixed": ["nowhere"]}, "fixed='nowhere' not in"),
    "a name for a list": (lambda names: {"fixed": names[0]}, "expected a sequence"),
    "no genes": (lambda names: {"n_genes": 0}, "n_genes=0"),
    "half a gene": (lambda names: {"n_genes": 2.5}, "n_genes=2.5"),
    "a mask of numbers": (lambda names: {"mask_var": np.ones(len(names), dtype=int)}, "expected booleans"),
    "a mask that leaves nothing": (lambda names: {"mask_var": np.zeros(len(names), dtype=bool)}, "leaves no gene"),
    "a programme that is a name": (
        lambda names: {"programs": {"one": names[0]}},
        r"programs\['one'\] .*expected a list",
    ),
    "a programme of nothing": (lambda names: {"programs": {"none": ["nowhere"]}}, "no gene of 'none'"),
    "a programme of symbols": (lambda names: {"programs": {"T": ["CD3E"]}}, r"no gene of 'T' .*var\['symbol'\] has"),
    "a gene by its symbol": (lambda names: {"fixed": ["CD3E"]}, r"fixed='CD3E' .*var\['symbol'\] has 100%"),
    "one group": (lambda names: {"groups": ["0"]}, "at least two"),
}


@pytest.mark.parametrize("case", BAD_WISHES)
def test_what_cannot_be_used_is_named_and_nothing_is_written(adata: ad.AnnData, case: str) -> None:
    options, said = BAD_WISHES[case]
    adata.var["symbol"] = ["CD3E", *adata.var_names[1:]]
    before = set(adata.uns)
    with pytest.raises((ValueError, KeyError, TypeError), match=said):
        tl.panel(adata, "group", **{"n_genes": 5, **options(adata.var_names)})
    assert set(adata.uns) == before


def test_groups_that_no_gene_tells_apart_have_no_panel(adata: ad.AnnData) -> None:
    adata.X = np.ones(adata.shape, dtype=np.float32)
    for n_genes in (5, "auto"):
        with pytest.raises(ValueError, match="no gene that may be chosen differs"):
            tl.panel(adata, "group", n_genes)
    assert "panel" not in adata.uns


def test_prices_and_masks_are_matched_by_name_in_every_form(adata: ad.AnnData) -> None:
    names, rng = adata.var_names, np.random.default_rng(1)
    prices = pd.Series(rng.uniform(0.5, 2.0, len(names)), index=names)
    mask = pd.Series(rng.random(len(names)) < 0.5, index=names)
    adata.var["price"], adata.var["mask"] = prices, mask
    found = []
    for costs, allowed in (
        ("price", "mask"),
        (prices.to_numpy(), mask.to_numpy()),
        (prices.sample(frac=1, random_state=0), mask.sample(frac=1, random_state=0)),
        (pd.concat([prices, pd.Series({"elsewhere": 1.0})]), mask.tolist()),
    ):
        tl.panel(adata, "group", 5, gene_costs=costs, mask_var=allowed)
        found.append(genes(adata))
    assert found == [found[0]] * 4
    assert mask[found[0]].all()


def test_fixed_genes_count_once_and_hold_against_a_mask(adata: ad.AnnData) -> None:
    first, second = adata.var_names[:2]
    for fixed in ([second, first, second], pd.Index([second, first]), pd.Series([second, first], index=[7, 7])):
        tl.panel(adata, "group", 4, fixed=fixed, mask_var=adata.var_names != first)
        frame = get.panel(adata, key="panel")
        assert frame["gene"][:2].tolist() == [second, first] and frame["gene"].is_unique
        assert frame["fixed"].tolist() == [True, True, False, False]


def test_auto_heeds_prices_fixed_genes_and_programmes(adata: ad.AnnData) -> None:
    names = adata.var_names
    prices = pd.Series(np.linspace(0.1, 2.0, len(names)), index=names)
    tl.panel(adata, "group", "auto", gene_costs=prices, budget=3)
    assert get.panel(adata, key="panel")["cost"].sum() <= 3
    fixed, programs = names[:3].tolist(), {str(place): [names[place]] for place in range(50, 60)}
    tl.panel(adata, "group", "auto", fixed=fixed, programs=programs)
    assert genes(adata)[:3] == fixed
    assert {members[0] for members in programs.values()} <= set(genes(adata))


def test_a_programme_that_cannot_be_read_is_named(adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    prices = pd.Series(1.0, index=adata.var_names)
    prices.iloc[7] = np.inf
    with caplog.at_level(logging.WARNING, logger="scgce"):
        tl.panel(adata, "group", 5, programs={"dear": [adata.var_names[7]]}, gene_costs=prices)
    assert (
        f"programmes of which no gene may be taken, can be paid or adds anything: ({adata.var_names[7]})" in caplog.text
    )


def test_more_genes_than_there_are_is_said(adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="scgce"):
        tl.panel(adata, "group", 1000)
    assert f"the panel ends after {len(genes(adata))} of 1000 genes" in caplog.text
    assert len(genes(adata)) <= adata.n_vars


@pytest.mark.parametrize("kind", ["unused category", "numbers", "text"])
def test_labels_of_every_kind_give_the_same_panel(adata: ad.AnnData, kind: str) -> None:
    tl.panel(adata, "group", 5)
    other, labels = adata.copy(), adata.obs["group"]
    other.obs["group"] = {
        "unused category": labels.cat.add_categories(["nobody"]),
        "numbers": labels.cat.codes.astype(int),
        "text": labels.astype(str).astype(object),
    }[kind]
    tl.panel(other, "group", 5)
    assert genes(other) == genes(adata)
    assert other.uns["panel"]["groups"].tolist() == adata.uns["panel"]["groups"].tolist()


def test_dense_and_sparse_and_a_layer_agree(adata: ad.AnnData) -> None:
    tl.panel(adata, "group", 10)
    other = adata.copy()
    other.layers["log"], other.X = sparse.csc_matrix(adata.X), np.zeros(adata.shape, np.float32)
    tl.panel(other, "group", 10, layer="log")
    assert genes(other) == genes(adata)


def test_genes_are_named_by_their_symbols(adata: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    """The same panel as by `var_names`, whatever argument names the genes; two genes share a symbol, one has none."""
    ids, symbols = adata.var_names, [f"SYM{g}" for g in range(60)]
    symbols[5], symbols[9] = symbols[4], None
    adata.var["feature_name"] = symbols
    called = [*symbols[:4], *(f"SYM4 ({gene})" for gene in ids[4:6]), *symbols[6:]]
    called[9] = ids[9]
    by_id = {
        "fixed": [ids[9], ids[5]],
        "programs": {"one": list(ids[20:24]), "two": [ids[4]]},
        "gene_costs": {ids[30]: np.inf, ids[5]: 2.0},
        "mask_var": pd.Series(np.arange(60) != 31, index=ids),
    }
    by_symbol = {
        "fixed": [called[9], called[5]],
        "programs": {"one": called[20:24], "two": [called[4]]},
        "gene_costs": {called[30]: np.inf, called[5]: 2.0},
        "mask_var": pd.Series(np.arange(60) != 31, index=called),
    }
    tl.panel(adata, "group", 8, **by_id)
    tl.panel(adata, "group", 8, **by_symbol, gene_symbols="feature_name", key_added="named")
    frame = get.panel(adata, key="named", gene_symbols="feature_name")
    pd.testing.assert_frame_equal(frame.drop(columns="feature_name"), get.panel(adata, key="panel"))
    assert frame["gene"].head(2).tolist() == [ids[9], ids[5]] and frame["cost"][1] == 2
    by_symbol["programs"].pop("two")
    for argument, value in {**by_symbol, "fixed": ["SYM20"]}.items():
        with pytest.raises(ValueError, match="no value" if argument == "mask_var" else "gene_symbols='feature_name'"):
            tl.panel(adata, "group", 8, **{argument: value})
    with pytest.raises(KeyError, match=r"called so: give .* as in SYM4 \(gene4\), SYM4 \(gene5\)"):
        tl.panel(adata, "group", 8, fixed=["SYM4"], gene_symbols="feature_name")
    with pytest.raises(KeyError, match="adata.var_names has 100% of them: leave gene_symbols out"):
        tl.panel(adata, "group", 8, fixed=["gene7"], gene_symbols="feature_name")
    X = adata.X.toarray()
    X[:, 12] = X[:, 11]
    adata.X = X
    with caplog.at_level(logging.WARNING, logger="scgce"):
        tl.panel(adata, "group", 8, fixed=["SYM11"], gene_symbols="feature_name")
    assert "SYM12 (as SYM11)" in caplog.text
