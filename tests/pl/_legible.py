"""Whether every word of a figure can be read: inside the figure, and on top of no other word."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text


def drawn_texts(figure: Figure) -> list[tuple[str, object]]:
    """Each text that is really drawn, with its box in pixels."""
    found = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            # Of an annotation only the words: its own extent includes the line to its point.
            found.append((self.get_text(), Text.get_window_extent(self, renderer)))
        return draw(self, renderer, *args, **kwargs)

    with patch.object(Text, "draw", record):
        figure.draw_without_rendering()  # pixels are not looked at
    return found


def assert_legible(figure: Figure, slack: float = 1.5) -> None:
    """Fail if a text leaves the figure or overlaps another by more than ``slack`` pixels."""
    texts = drawn_texts(figure)
    assert texts
    width, height = figure.canvas.get_width_height()
    for text, box in texts:
        inside = box.x0 >= -slack and box.y0 >= -slack and box.x1 <= width + slack and box.y1 <= height + slack
        assert inside, f"{text!r} is cut off: {box} in {width} × {height}"
    boxes = np.array([box.extents for _, box in texts])
    shared = np.minimum(boxes[:, None, 2:], boxes[:, 2:]) - np.maximum(boxes[:, None, :2], boxes[:, :2])
    clashes = np.argwhere(np.triu((shared > slack).all(axis=2), k=1))
    assert not len(clashes), [(texts[one][0], texts[two][0]) for one, two in clashes[:5]]
