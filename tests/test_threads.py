"""The number of threads: fixed inside, restored afterwards, without influence on the translations."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import torch

import scgce
from scgce._threads import one_thread


def test_threads_are_restored_also_after_an_error() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert torch.get_num_threads() == before


def test_translations_are_the_same_bytes_for_any_number_of_threads(blobs: ad.AnnData) -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            scgce.tl.tgt(blobs, "group", use_rep="X_pca", sparsity=(2, 5), judges=False)
            found.append(blobs.uns["tgt"]["deltas"].copy())
    finally:
        torch.set_num_threads(before)
    assert found[0].any()
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)
