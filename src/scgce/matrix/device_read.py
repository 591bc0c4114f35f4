"""One read of X with its arithmetic on a GPU.

Blocks of rows go to the device over pinned memory on a stream of their own, the next while one is worked on; those of a
cupy matrix are there already and are taken as they lie. The device holds two blocks, never X.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from .extremes import KEPT, Extremes

logger = logging.getLogger("scgce")

Arrays = list[Any]
"""A block as its arrays: indptr, indices, data of CSR rows, or the dense rows alone."""


def project_and_sum_on(
    device: torch.device,
    load: Callable[[slice], Any],
    spans: Callable[[int], Sequence[slice]],
    shape: tuple[int, int],
    W: np.ndarray | None,
    bias: np.ndarray,
    codes: np.ndarray,
    n_groups: int,
    block_bytes: int,
    extremes: Extremes | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """``X @ W + b`` and the sums of the groups' rows; float32 products, float64 sums.

    Parameters
    ----------
    load
        Gives the rows of a slice: numpy, scipy CSR, cupy or cupyx CSR.
    spans
        Slices of rows of at most about so many bytes.
    shape
        (n, d).
    W, bias
        (d, h) or None for no product, (h,).
    codes, n_groups
        Group of every row (n,), -1 for none, and the number of groups.
    extremes
        To which the rows are added.

    Returns
    -------
    Float32 (n, h) and float64 (l, d), on the host.

    Raises
    ------
    torch.cuda.OutOfMemoryError
        If a single row, or W and the sums, do not fit on the device.
    """
    # Not `core.memory.by_blocks`: the next block is under way by then, and part of the sums has been added.
    blocks = spans(block_bytes)
    while True:
        try:
            fresh = (
                None if extremes is None else Extremes(shape[1], extremes.n_groups)
            )  # a read that is given up leaves no trace
            found = _read(device, load, blocks, shape, W, bias, codes, n_groups, fresh)
            if extremes is not None and fresh is not None:
                extremes.merge(fresh)
            return found
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            smaller = blocks
            while len(smaller) == len(blocks) and block_bytes > 1:
                block_bytes //= 2
                smaller = spans(block_bytes)
            if len(smaller) == len(blocks):  # single rows or dask chunks, which cannot be split
                raise
            blocks = smaller
            logger.warning("out of memory on the device: reading again in blocks of %d bytes", block_bytes)


def _read(
    device: torch.device,
    load: Callable[[slice], Any],
    blocks: Sequence[slice],
    shape: tuple[int, int],
    W: np.ndarray | None,
    bias: np.ndarray,
    codes: np.ndarray,
    n_groups: int,
    extremes: Extremes | None,
) -> tuple[np.ndarray, np.ndarray]:
    weights = None if W is None else torch.from_numpy(W).to(device)
    offset = torch.from_numpy(bias).to(device)
    # Rows without a group are added to a row of their own, which is dropped.
    sums = torch.zeros(n_groups + 1, shape[1], dtype=torch.float64, device=device)
    hidden = np.empty((shape[0], len(bias)), np.float32)
    places = torch.from_numpy(np.where(codes < 0, n_groups, codes))
    for rows, arrays in _sent(device, load, blocks):
        block = _tensor(arrays, rows.stop - rows.start, shape[1])
        if n_groups:
            _add_sums(block, places[rows].to(device), sums)
        if extremes is not None:
            extremes.merge(_extremes(block, (places[rows] < min(n_groups, extremes.n_groups)).to(device)))
        product = offset.expand(rows.stop - rows.start, -1) if weights is None else block.float() @ weights + offset
        hidden[rows] = product.cpu().numpy()
    return hidden, sums[:n_groups].cpu().numpy()


def _tensor(arrays: Arrays, n_rows: int, n_columns: int) -> torch.Tensor:
    """The block as a strided or CSR tensor."""
    if len(arrays) == 1:
        return arrays[0]
    indptr, indices, data = arrays
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse (CSR tensor support|invariant checks)")  # once a process
        return torch.sparse_csr_tensor(indptr, indices, data, (n_rows, n_columns), check_invariants=False)


def _add_sums(block: torch.Tensor, places: torch.Tensor, sums: torch.Tensor) -> None:
    if block.layout == torch.strided:
        sums.index_add_(0, places, block.double())
        return
    lengths = block.crow_indices().diff()
    flat = places.repeat_interleave(lengths) * sums.shape[1] + block.col_indices()
    sums.view(-1).index_add_(0, flat, block.values().double())


def _sent(
    device: torch.device, load: Callable[[slice], Any], blocks: Sequence[slice]
) -> Iterator[tuple[slice, Arrays]]:
    """Every block on the device; the next is loaded and sent while the caller works on one."""
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def send(rows: slice) -> tuple[Arrays, Any]:
        arrays = _arrays_of(load(rows))
        if stream is None:
            return [array.to(device) for array in arrays], None
        with torch.cuda.stream(stream):
            pinned = [array if array.is_cuda else array.pin_memory() for array in arrays]
            return [array.to(device, non_blocking=True) for array in pinned], stream.record_event()

    with ThreadPoolExecutor(1) as messenger:
        coming = messenger.submit(send, blocks[0])
        for rows, following in zip(blocks, [*blocks[1:], None], strict=True):
            arrays, ready = coming.result()
            if following is not None:
                coming = messenger.submit(send, following)
            if ready is not None:
                current = torch.cuda.current_stream(device)
                current.wait_event(ready)
                for array in arrays:
                    array.record_stream(current)  # its memory is not given away before the caller's work is done
            yield rows, arrays


def _arrays_of(block: Any) -> Arrays:
    """Torch's view of the arrays of a block, wherever they lie."""
    parts = [block.indptr, block.indices, block.data] if hasattr(block, "indptr") else [block]
    if parts[-1].dtype not in (np.float32, np.float64):
        parts[-1] = parts[-1].astype(np.float64)
    tensors = [_view(part) for part in parts]
    if len(tensors) == 3 and tensors[0].dtype != tensors[1].dtype:
        tensors[:2] = [tensor.long() for tensor in tensors[:2]]
    return tensors


def _view(array: Any) -> torch.Tensor:
    if isinstance(array, np.ndarray):
        return torch.from_numpy(np.require(array, requirements=["C", "W"]))
    return torch.utils.dlpack.from_dlpack(array)


def _extremes(block: torch.Tensor, kept: torch.Tensor) -> Extremes:
    """Those of a strided or CSR tensor's rows, computed where it lies.

    Parameters
    ----------
    block
        (n, d).
    kept
        Bool (n,): rows that count.
    """
    if block.layout == torch.strided:
        rows, genes = torch.nonzero((block != 0) & kept[:, None], as_tuple=True)
        values = block[rows, genes].float()
    else:
        chosen = kept.repeat_interleave(block.crow_indices().diff()) & (block.values() != 0)
        genes, values = block.col_indices()[chosen].long(), block.values()[chosen].float()
    found = Extremes(block.shape[1])
    order = values.argsort(descending=True, stable=True)
    order = order[genes[order].argsort(stable=True)]
    genes, values = genes[order], values[order]
    counts = torch.bincount(genes, minlength=block.shape[1])
    place = torch.arange(len(genes), device=genes.device) - (counts.cumsum(0) - counts)[genes]
    for table, rank in ((found.top, place), (found.bottom, counts[genes] - 1 - place)):
        few = rank < KEPT
        table[genes[few].cpu().numpy(), rank[few].cpu().numpy()] = values[few].cpu().numpy()
    found.n_rows, found.counts = int(kept.sum()), counts.cpu().numpy()
    return found
