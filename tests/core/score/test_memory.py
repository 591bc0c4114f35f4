"""Blocks of rows; what happens when the device has no room for one is in ``tests/contract/test_faults.py``."""

from __future__ import annotations

import pytest
import torch

from scgce.core.score.memory import by_blocks


@pytest.mark.parametrize("start, stop, step", [(0, 10, 3), (4, 10, 3), (0, 9, 3), (0, 2, 5), (3, 4, 1), (5, 5, 2)])
def test_blocks_are_those_of_range(start: int, stop: int, step: int) -> None:
    found = by_blocks(lambda rows: (rows.start, rows.stop), start, stop, step)
    assert found == [(low, min(low + step, stop)) for low in range(start, stop, step)]


@pytest.mark.parametrize("most", [1, 2, 7])
def test_a_block_without_room_is_halved_and_tried_again(most: int) -> None:
    tried = []

    def run(rows: slice) -> list[int]:
        tried.append(rows.stop - rows.start)
        if tried[-1] > most:
            raise torch.cuda.OutOfMemoryError("no memory")
        return list(range(rows.start, rows.stop))

    found = by_blocks(run, 2, 18, 16)
    assert [row for rows in found for row in rows] == list(range(2, 18))
    fitting = 16
    while fitting > most:
        fitting //= 2
    assert tried == [size for size in (16, 8, 4, 2, 1) if size > fitting] + [fitting] * (16 // fitting)


def test_a_single_row_without_room_is_an_error() -> None:
    tried = []

    def run(rows: slice) -> None:
        tried.append(rows.stop - rows.start)
        raise torch.cuda.OutOfMemoryError("no memory")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        by_blocks(run, 0, 5, 4)
    assert tried == [4, 2, 1]
