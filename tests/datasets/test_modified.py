"""modified: Table 4's distribution, what is kept, what is refused."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from scgce.datasets import MODIFICATIONS, boston_housing, heart_disease, iris, modified, simulated_cells

LOADERS = {"iris": iris, "boston_housing": boston_housing, "heart_disease": heart_disease}


def grouped(name: str) -> ad.AnnData:
    adata = LOADERS[name]()
    adata.obs["group"] = pd.Categorical([str(i % 3) for i in range(adata.n_obs)])
    return adata


def test_table_4_is_written_down() -> None:
    assert MODIFICATIONS["iris"].features == ("Sepal Width",)
    assert MODIFICATIONS["iris"].shift == (-0.4,)
    assert MODIFICATIONS["boston_housing"].features == ("ZN", "TAX")
    assert MODIFICATIONS["boston_housing"].shift == (0.9, -0.5)
    assert MODIFICATIONS["heart_disease"].features == ("restecg", "exang")
    assert MODIFICATIONS["heart_disease"].shift == (-0.9, 0.6)
    assert all(m.width == 0.1 for m in MODIFICATIONS.values())


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_the_difference_follows_table_4(name: str) -> None:
    change, adata = MODIFICATIONS[name], grouped(name)
    result = modified(adata, change.group, change.features, change.shift, change.width, rng=0)
    source = (adata.obs["group"] == change.group).to_numpy()
    assert result.n_obs == adata.n_obs + source.sum()
    np.testing.assert_array_equal(result.X[: adata.n_obs], adata.X)
    difference = result.X[adata.n_obs :] - adata.X[source]
    columns = adata.var_names.get_indexer(list(change.features))
    untouched = np.setdiff1d(np.arange(adata.n_vars), columns)
    np.testing.assert_array_equal(difference[:, untouched], 0)
    for column, shift in zip(columns, change.shift, strict=True):
        uniform = stats.uniform(shift - change.width, 2 * change.width)
        assert stats.kstest(difference[:, column], uniform.cdf).pvalue > 1e-3
        assert result.uns["modification"]["delta"][column] == shift


def test_what_is_kept_and_what_is_not() -> None:
    adata = grouped("iris")
    adata.obsm["X_map"] = np.zeros((adata.n_obs, 2))
    before = adata.copy()
    result = modified(adata, "0", "Sepal Width", -0.4, rng=1)
    assert list(result.obs["group"].cat.categories) == ["0", "1", "2", "0 modified"]
    assert result.obs["modified"].sum() == (adata.obs["group"] == "0").sum()
    assert (result.obs.loc[result.obs["modified"], "group"] == "0 modified").all()
    assert result.obs_names.is_unique
    assert "X_map" not in result.obsm and not result.layers
    pd.testing.assert_frame_equal(result.var, adata.var)
    assert result.uns["description"] == adata.uns["description"]
    assert "modification" not in adata.uns and "modified" not in adata.obs
    np.testing.assert_array_equal(adata.X, before.X)


def test_seeds_and_names() -> None:
    adata = grouped("iris")
    one, two = (modified(adata, "0", "Sepal Width", -0.4, rng=7).X for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert "moved" in set(modified(adata, "0", "Sepal Width", 0.1, new_group="moved").obs["group"])
    still = modified(adata, "1", ["Sepal Width", "Petal Width"], 0.2, width=0)
    np.testing.assert_allclose(still.X[-50:, [1, 3]] - adata.X[1::3][:, [1, 3]], 0.2)


def test_sparse_and_integer_groups() -> None:
    adata = simulated_cells(60, 40, 3)
    adata.obs["leiden"] = adata.obs["group"].astype(int)
    result = modified(adata, "1", ["gene3", "gene7"], [2.0, 1.0], 0.5, groupby="leiden")
    assert sparse.issparse(result.X) and result.X.dtype == np.float32
    added = result.X[60:].toarray() - adata.X[(adata.obs["leiden"] == 1).to_numpy()].toarray()
    assert ((added[:, 3] > 1.4) & (added[:, 3] < 2.6)).all()
    assert (np.delete(added, [3, 7], axis=1) == 0).all()


def test_integer_matrix_becomes_real() -> None:
    adata = ad.AnnData(np.ones((4, 2), dtype=np.int64), obs=pd.DataFrame({"group": list("aabb")}, index=list("wxyz")))
    assert modified(adata, "a", "0", 0.5, width=0).X[-1, 0] == 1.5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"groupby": "cluster"}, KeyError, "cluster.*found: species"),
        ({"group": "9"}, KeyError, "group='9'.*found: 0, 1, 2"),
        ({"features": ["Sepal Widht"]}, KeyError, "Sepal Widht.*found: Sepal Length"),
        ({"shift": [0.1, 0.2]}, ValueError, "one for each of the 1"),
        ({"shift": float("nan")}, ValueError, "shift=nan"),
        ({"width": -0.1}, ValueError, r"width=-0\.1"),
        ({"new_group": "2"}, ValueError, "new_group='2'"),
    ],
)
def test_errors_say_what_would_do(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    options = {"group": "0", "features": ["Sepal Width"], "shift": -0.4} | arguments
    with pytest.raises(error, match=message):
        modified(grouped("iris"), **options)  # type: ignore[arg-type]
