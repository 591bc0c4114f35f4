from __future__ import annotations

import pytest

from scgce._api.errors import NotFoundError, listing, not_found


def test_message_lists_and_suggests() -> None:
    error = not_found("use_rep", "X_umpa", "adata.obsm", ["X_pca", "X_umap"])
    assert str(error) == "use_rep='X_umpa' not in adata.obsm; found: X_pca, X_umap; did you mean 'X_umap'?"


def test_message_without_suggestion_or_names() -> None:
    assert str(not_found("layer", "zzz", "adata.layers", [])) == "layer='zzz' not in adata.layers; found: none"
    assert str(not_found("key", 3, "here", ["a"], hint="; try b")) == "key=3 not in here; found: a; try b"


def test_error_is_a_key_error_that_prints_without_quotes() -> None:
    with pytest.raises(KeyError) as caught:
        raise not_found("a", "b", "c", ["d"])
    assert isinstance(caught.value, NotFoundError)
    assert not str(caught.value).startswith(("'", '"'))


@pytest.mark.parametrize(("count", "tail"), [(12, "11"), (13, "11, … (13 in all)")])
def test_long_listings_are_cut(count: int, tail: str) -> None:
    assert listing(range(count)).endswith(tail)
