"""bipolar: the parser, and the whole way from a file server to AnnData, on small files of the same format."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.datasets import bipolar
from scgce.datasets._dge import read_expression, read_labels

CELLS = [f"Bipolar{1 + i % 2}_{'ACGT'[i % 4] * 4}{i}" for i in range(12)]
GENES = ["0610005C13Rik", "mt-Cytb", "Pcp2", "Gnat3", "Scgn"]
LABELS = ["RBC (Rod Bipolar cell)", "BC1A", "Doublets/Contaminants"]


def table(counts: np.ndarray, *, corner: bool = False, quoted: bool = False) -> bytes:
    """The counts (genes x cells) as R's write.table or a portal would write them."""
    quote = (lambda s: f'"{s}"') if quoted else str
    lines = ["\t".join(["GENE"] * corner + [quote(c) for c in CELLS[: counts.shape[1]]])]
    lines += ["\t".join([quote(g), *map(str, row)]) for g, row in zip(GENES, counts.tolist(), strict=False)]
    return gzip.compress(("\n".join(lines) + "\n").encode())


def labels(n: int = 9) -> bytes:
    lines = ["NAME\tCLUSTER\tSUB-CLUSTER", "TYPE\tgroup\tgroup"]
    lines += [f"{CELLS[i]}\t{LABELS[i % 3]}\tsub{i % 2}" for i in range(n)]
    return ("\n".join(lines) + "\n").encode()


def counts() -> np.ndarray:
    return np.random.default_rng(0).poisson([[0.5], [3.0], [14.0], [0.1], [2.0]], (5, 12))


@pytest.mark.parametrize("corner", [False, True])
@pytest.mark.parametrize("quoted", [False, True])
def test_every_form_of_the_header(tmp_path: Path, corner: bool, quoted: bool) -> None:
    path = tmp_path / "counts.txt.gz"
    path.write_bytes(table(counts(), corner=corner, quoted=quoted))
    genes, cells, matrix = read_expression(path)
    assert list(genes) == GENES
    assert list(cells) == CELLS
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), counts().T)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.sampled_from([0, 1, 9, 10, 123]))
)
def test_any_table_is_read_back(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "counts.txt.gz"
    path.write_bytes(table(values))
    matrix = read_expression(path)[2]
    np.testing.assert_array_equal(matrix.toarray(), values.T)
    assert matrix.nnz == (values != 0).sum()


def test_plain_text_and_fractions(tmp_path: Path) -> None:
    path = tmp_path / "counts.txt"
    path.write_text("c1\tc2\tc3\ng\t0.0\t1.5\t2e1\n")
    np.testing.assert_array_equal(read_expression(path)[2].toarray().ravel(), [0, 1.5, 20])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c1\tc2\ng\t1\t2\nh\t1\n", "line 3: 1 numbers, but the header names 2 cells"),
        ("c1\tc2\ng\t1\tx\n", "line 2: could not convert.*x"),
        ("c1\tc2\ng\t1\t\n", "line 2: could not convert"),
        ("c1\tc2\n", "holds no genes"),
        ("", "holds no genes"),
    ],
)
def test_damaged_tables_say_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "counts.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_expression(path)


def test_a_cut_off_archive_says_so(tmp_path: Path) -> None:
    path = tmp_path / "counts.txt.gz"
    path.write_bytes(table(counts())[:-20])
    with pytest.raises(ValueError, match=r"cut off after .* delete it"):
        read_expression(path)


def test_labels_skip_the_line_of_types(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(labels())
    frame = read_labels(path)
    assert list(frame.columns) == ["cluster", "sub_cluster"]
    assert list(frame.index) == CELLS[:9]
    path.write_text("NAME\nc1\n")
    with pytest.raises(ValueError, match="at least one label"):
        read_labels(path)


def test_from_server_to_anndata(server: Any, tmp_path: Path) -> None:
    server.files |= {"counts": table(counts()), "labels": labels()}
    options: dict[str, Any] = {"counts_url": server.url("counts"), "labels_url": server.url("labels")}
    adata = bipolar(cache=tmp_path, min_cells=2, min_counts=4, **options)
    table_of_cells = counts().T[:9]
    kept = ((table_of_cells > 0).sum(axis=0) > 2) & (table_of_cells.sum(axis=0) > 4)
    assert list(adata.var_names) == [g for g, k in zip(GENES, kept, strict=True) if k]
    assert list(adata.obs_names) == CELLS[:9]
    assert list(adata.obs["batch"].cat.categories) == ["Bipolar1", "Bipolar2"]
    assert list(adata.obs["cluster"].astype(str)) == [LABELS[i % 3] for i in range(9)]
    assert adata.obs["sub_cluster"].dtype == "category"
    np.testing.assert_array_equal(adata.layers["counts"].toarray(), table_of_cells[:, kept])
    totals = table_of_cells[:, kept].sum(axis=1, keepdims=True)
    expected = np.log1p(table_of_cells[:, kept] / totals * np.median(totals))
    np.testing.assert_allclose(adata.X.toarray(), expected, rtol=1e-5)
    assert "GSE81904" in adata.uns["source"]
    bipolar(cache=tmp_path, min_cells=2, min_counts=4, **options)
    assert len(server.asked) == 2
    adata.write_h5ad(tmp_path / "bipolar.h5ad")


def test_without_labels_every_cell_stays(server: Any, tmp_path: Path) -> None:
    server.files["counts"] = table(counts())
    adata = bipolar(cache=tmp_path, labels=False, min_cells=0, min_counts=0, counts_url=server.url("counts"))
    assert adata.n_obs == 12
    assert list(adata.obs.columns) == ["batch"]
    assert server.asked == [("/counts", None)]


def test_labels_of_other_cells_and_an_empty_result(server: Any, tmp_path: Path) -> None:
    server.files |= {"counts": table(counts()), "labels": b"NAME\tCLUSTER\nother\tBC1A\n"}
    options: dict[str, Any] = {"counts_url": server.url("counts"), "labels_url": server.url("labels")}
    with pytest.raises(ValueError, match="labels none of the cells"):
        bipolar(cache=tmp_path, **options)
    with pytest.raises(ValueError, match="min_cells=500"):
        bipolar(cache=tmp_path, labels=False, min_cells=500, **options)


def test_offline(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="put the file at"):
        bipolar(cache=tmp_path, counts_url="http://127.0.0.1:9/counts")
