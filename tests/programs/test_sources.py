"""Gene sets as people have them: every form gives the same membership, and faults are named."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.programs.conftest import Planted

from scgce.programs import Programs, learn_programs, resolve_programs

GENES = np.array([f"G{i}" for i in range(12)], dtype=object)
SETS = {"cell cycle, late": ["G0", "G1", "G2", "absent"], "B/T": ["G2", "G3", "G4"]}
MEMBERSHIP = np.zeros((12, 2))
MEMBERSHIP[[0, 1], 0] = MEMBERSHIP[[3, 4], 1] = 1.0
MEMBERSHIP[2] = 0.5  # in both
WEIGHTS = pd.DataFrame({"up": [2.0, 1.0, 0.0, 1.0], "mixed": [2.0, -3.0, 1.0, 0.0]}, index=["G3", "G1", "G0", "absent"])


def resolve(source: Any, **options: Any) -> Programs:
    return resolve_programs(source, GENES, **{"min_genes": 1, **options})


def holder(**varm: Any) -> ad.AnnData:
    return ad.AnnData(np.zeros((2, 12), np.float32), var=pd.DataFrame(index=list(GENES)), varm=varm)


def gmt(folder: Path, name: str = "sets.gmt") -> Path:
    path = folder / name
    text = "".join(f"{name}\tsome words\t" + "\t".join(genes) + "\r\n" for name, genes in SETS.items())
    with (gzip.open if name.endswith("gz") else open)(path, "wt", encoding="utf-8") as file:
        file.write(text)
    return path


def net() -> pd.DataFrame:
    pairs = [(name, gene) for name, genes in SETS.items() for gene in genes]
    return pd.DataFrame(pairs, columns=["source", "target"])


def frame() -> pd.DataFrame:
    return pd.crosstab(net()["target"], net()["source"])[list(SETS)].iloc[::-1]


FORMS = {
    "lists": lambda _: SETS,
    "other collections": lambda _: {
        name: kind(genes) for (name, genes), kind in zip(SETS.items(), (set, np.array), strict=True)
    },
    "twice in a list": lambda _: {name: genes * 2 for name, genes in SETS.items()},
    "GMT": lambda folder: gmt(folder),
    "GMT as text": lambda folder: str(gmt(folder)),
    "GMT, compressed": lambda folder: gmt(folder, "sets.gmt.gz"),
    "net": lambda _: net(),
    "net, weights": lambda _: net().assign(weight=1),
    "genes × programmes": lambda _: frame(),
    "programmes × genes": lambda _: frame().T,
    "genes × programmes, bool": lambda _: frame().astype(bool),
    "Spectra, global": lambda _: {"global": SETS},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_programmes(form: str, tmp_path: Path) -> None:
    found = resolve(FORMS[form](tmp_path))
    assert list(found.names) == list(SETS)
    np.testing.assert_allclose(found.membership.toarray(), MEMBERSHIP)
    assert list(found.n_given) == [4, 3] and found.matched == pytest.approx([0.75, 1.0])
    assert not found.learned.any()


def test_sets_by_cell_type_get_its_name() -> None:
    found = resolve({"global": {"all": ["G0"]}, "CD4": {"naive": ["G1"], "memory": ["G2"]}, "B": {}})
    assert list(found.names) == ["all", "CD4: naive", "CD4: memory"]


def test_weights_share_a_gene_and_negative_ones_are_apart() -> None:
    long = WEIGHTS.rename_axis("target").melt(ignore_index=False, var_name="source", value_name="weight").reset_index()
    for source in (WEIGHTS, WEIGHTS.T, long, {name: dict(WEIGHTS[name]) for name in WEIGHTS}):
        found = resolve(source)
        assert list(found.names) == ["up", "mixed +", "mixed -"]
        expected = pd.DataFrame(0.0, index=list(GENES), columns=list(found.names))
        expected.loc["G3", ["up", "mixed +"]] = 0.5
        expected.loc["G1", ["up", "mixed -"]] = 0.25, 0.75
        expected.loc["G0", "mixed +"] = 1.0
        np.testing.assert_allclose(found.membership.toarray(), expected.to_numpy())
        assert list(found.n_given) == [3, 2, 1]
    assert list(GENES[found.leading(0)]) == ["G3", "G1"]


def test_signs_behind_names_are_read() -> None:
    found = resolve({"T cell": ["G0+", "G1", "G2-", "absent-"], "plain": ["G5"]})
    assert list(found.names) == ["T cell +", "T cell -", "plain"]
    assert [list(GENES[found.leading(m)]) for m in range(3)] == [["G0", "G1"], ["G2"], ["G5"]]
    assert list(found.n_given) == [2, 2, 1]


def test_genes_whose_names_end_in_a_sign_are_themselves() -> None:
    found = resolve_programs({"a": ["l(2)gl+", "x-"]}, np.array(["l(2)gl+", "x-", "x"], dtype=object), min_genes=1)
    assert list(found.names) == ["a"] and list(found.covered) == [True, True, False]


def test_modules_leave_out_what_is_in_none() -> None:
    numbered = pd.Series([2, -1, 10, np.nan, 2], index=["G0", "G1", "G2", "G3", "absent"])
    found = resolve(numbered)
    assert list(found.names) == ["module 2", "module 10"]
    assert list(np.flatnonzero(found.covered)) == [0, 2]
    named = pd.Series(pd.Categorical(["late", "early", None], categories=["late", "never", "early"]), index=GENES[:3])
    assert list(resolve(named).names) == ["early", "late"]


def test_a_key_of_varm_is_read_with_its_names() -> None:
    values = np.zeros((12, 2))
    values[:3, 0] = values[2:5, 1] = 1
    table = pd.DataFrame(values, columns=["a", "b"], index=list(GENES))
    for held, names in ((table, ["a", "b"]), (values, ["I 1", "I 2"]), (sparse.csr_matrix(values), ["I 1", "I 2"])):
        found = resolve("I", adata=holder(I=held))
        assert list(found.names) == names and found.source == "varm"
        assert found.membership.toarray()[2] == pytest.approx([0.5, 0.5])
    adata = holder(I=values)
    adata.uns["terms"] = ["first", "second"]
    assert list(resolve("I", adata=adata).names) == ["first", "second"]
    signed = resolve("PCs", adata=holder(PCs=np.array([[1.0], [-1.0]] * 6)))
    assert list(signed.names) == ["PCs 1 +", "PCs 1 -"]


def test_small_sets_are_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="scgce"):
        found = resolve({**SETS, "empty": [], "elsewhere": ["H1", "H2"]}, min_genes=3)
    assert list(found.names) == list(SETS)
    assert (
        "2 of 4 sets have fewer than 3 genes here and are left out: empty (0 of 0), elsewhere (0 of 2)" in caplog.text
    )


def test_genes_that_may_not_be_used_stay_out() -> None:
    mask = np.ones(12, dtype=bool)
    mask[0] = False
    assert not resolve(SETS, mask=mask).covered[0]


FAULTS: dict[str, tuple[Any, str]] = {
    "all unknown": ({"a": ["H1", "H2"]}, "leaves no programme with min_genes=1 .*a \\(0 of 2\\)"),
    "empty": ({}, "leaves no programme"),
    "one empty set": ({"a": []}, "leaves no programme"),
    "text for a list": ({"a": "G1"}, "source\\['a'\\] is 'G1'; expected a list of genes"),
    "numbers for genes": ({"a": [1, 2]}, "source\\['a'\\] holds 1; expected names of genes"),
    "gene → module": ({"G1": 1}, "source\\['G1'\\] is 1; expected a list"),
    "sets and dicts": ({"a": ["G1"], "b": {"c": ["G2"]}}, "mixes sets and dicts of sets"),
    "twice in a net": (pd.concat([net(), net().iloc[:1]]), "twice in one programme: cell cycle, late: G0"),
    "no target": (net().assign(target=None), "without a source or a target"),
    "weight NaN": (net().assign(weight=np.nan), "weights that are no finite numbers, for G0"),
    "weight text": (net().assign(weight="much"), "'weight' holds text; expected numbers"),
    "weight digits": (net().assign(weight="1"), "'weight' holds text; expected numbers"),
    "loadings NaN": (frame().astype(float).replace(1, np.nan), "NaN or infinite"),
    "loadings, genes twice": (pd.concat([frame(), frame()]), "labels that occur more than once: absent, G4"),
    "loadings, text": (pd.DataFrame({"a": ["x"]}, index=["G1"]), "expected numbers"),
    "loadings, digits": (pd.DataFrame({"a": ["1"]}, index=["G1"]), "column 'a' holds text; expected numbers"),
    "other names of columns": (
        net().rename(columns={"source": "geneset", "target": "genesymbol"}),
        "'geneset' holds text; .*or the columns source and target",
    ),
    "fractions": (pd.Series([0.5], index=["G1"]), "fractions"),
    "module twice": (pd.Series([1, 2], index=["G1", "G1"]), "more than once: G1"),
    "a list": ([["G1"]], "source is a list; expected a dict"),
    "None": (None, "source is a NoneType; expected a dict"),
    "key": ("modules", "source='modules' not in adata.varm; found: none.*'profile', 'coexpression', 'nmf'"),
    "file": ("no such.gmt", "no such.gmt': there is no such file"),
    "learned": ("profile", "learned from cells; none were given"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault: str) -> None:
    source, message = FAULTS[fault]
    with pytest.raises((ValueError, TypeError, KeyError, OSError), match=message):
        resolve(source)


@pytest.mark.parametrize(
    ("text", "message"), [("a b c\n", "line 1: no tab"), ("a\tx\tG1\na\tx\tG2\n", "line 2: the set a is there twice")]
)
def test_faults_in_a_file_are_found_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sets.gmt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        resolve(path)


def test_weights_behind_a_comma_are_read(tmp_path: Path) -> None:
    path = tmp_path / "enrichr.gmt"
    path.write_text("a\t\tG1,1.0\tG2,3\nb\t\tG2\t\n")
    assert resolve(path).membership.toarray()[:3] == pytest.approx(np.array([[0, 0], [1, 0], [0.75, 0.25]]))


SYMBOLS = np.array(["CD79A", "MS4A1", "CD3E", "LYZ", "NKG7", "GNLY"], dtype=object)
MOUSE = {"B": ["Cd79a", "Ms4a1"], "T": ["Cd3e"]}
ENSEMBL = {"B": ["ENSG00000105369", "ENSG00000156738"]}


@pytest.mark.parametrize(
    ("sets", "genes", "message"),
    [
        (MOUSE, SYMBOLS, "only 0% are found: 100% match but for upper and lower case \\(Cd79a against CD79A\\)"),
        (ENSEMBL, SYMBOLS, "Ensembl identifiers \\(ENSG00000105369\\) against symbols \\(CD79A\\)"),
        ({"B": ["CD79A"]}, np.array(["ENSG00000105369"], dtype=object), "symbols .* against Ensembl identifiers"),
        (ENSEMBL, np.array(["ENSG00000105369.11"], dtype=object), "50% match without the version behind the dot"),
    ],
)
def test_another_naming_is_refused_with_the_reason(sets: Any, genes: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_programs(sets, genes, min_genes=1)


def test_the_column_with_the_other_names_is_pointed_at() -> None:
    ids = [*ENSEMBL["B"], "ENSG00000198851", "ENSG00000090382", "ENSG00000105374", "ENSG00000115523"]
    adata = ad.AnnData(np.zeros((2, 6), np.float32), var=pd.DataFrame({"n": 1, "gene_ids": ids}, index=list(SYMBOLS)))
    with pytest.raises(ValueError, match="adata.var\\['gene_ids'\\] has 100% of them"):
        resolve_programs(ENSEMBL, SYMBOLS, adata=adata, min_genes=1)


def test_a_few_unknown_genes_are_no_other_naming() -> None:
    assert resolve_programs({"B": ["CD79A", "MS4A1", "Blnk"]}, SYMBOLS, min_genes=2).n == 1


def test_the_rest_is_grouped_from_the_cells_and_marked(planted: Planted, caplog: pytest.LogCaptureFixture) -> None:
    given_set = {"first": list(planted.genes[planted.labels == 0])}
    found = resolve_programs(given_set, planted.genes, planted.cells, n_programs=3)
    assert found.names[0] == "first" and list(found.learned) == [False, True, True, True]
    shares = found.membership.toarray().sum(axis=1)
    assert set(np.unique(shares)) <= {0.0, 1.0}
    assert not found.membership[planted.labels == 0][:, 1:].nnz
    alone = resolve_programs(given_set, planted.genes, planted.cells, rest=False)
    assert list(alone.names) == ["first"]
    with caplog.at_level(logging.INFO, logger="scgce"):
        whole = resolve_programs({"all": list(planted.genes)}, planted.genes, planted.cells)
    assert whole.n == 1 and "no programmes are learned from the 0 genes" in caplog.text


def test_sets_without_weights_are_led_by_the_genes_that_differ_most(planted: Planted) -> None:
    found = resolve_programs({"all": list(planted.genes)}, planted.genes, planted.cells, rest=False)
    means = planted.cells.group_means()
    spread = ((means - means.mean(axis=0)) ** 2).sum(axis=0)
    assert (np.diff(spread[found.leading(0)]) <= 1e-12).all()


def test_programmes_are_taken_as_they_are(planted: Planted) -> None:
    learned = learn_programs(planted.cells, planted.genes, n_programs=3)
    assert resolve_programs(learned, planted.genes) is learned


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.lists(st.sampled_from([*GENES, "other"]), min_size=1),
        min_size=1,
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_order_of_sets_and_genes_does_not_matter(sets: dict[str, list[str]], random: Any) -> None:
    sets = {name: [*members, "G0"] for name, members in sets.items()}
    first = resolve(sets)
    assert first.membership.sum(axis=1) == pytest.approx(first.covered.astype(float))
    genes, names = list(GENES), list(sets)
    random.shuffle(genes)
    random.shuffle(names)
    shuffled = {name: random.sample(sets[name], len(sets[name])) for name in names}
    second = resolve_programs(shuffled, np.array(genes, dtype=object), min_genes=1)
    frames = [
        pd.DataFrame(one.membership.toarray(), index=one.genes, columns=one.names).loc[list(GENES), list(first.names)]
        for one in (first, second)
    ]
    pd.testing.assert_frame_equal(*frames)
