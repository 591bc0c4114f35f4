"""Letters that the font in use has not: taken from another installed font, or said in one line."""

from __future__ import annotations

import logging
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from scgce._api.errors import listing

logger = logging.getLogger("scgce")

OTHERS = (
    "DejaVu Sans",
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Source Han Sans SC", "Source Han Sans"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "IPAexGothic", "TakaoGothic", "NanumGothic"),
    *("PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Heiti TC", "Arial Unicode MS"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic", "Malgun Gothic"),
    *("Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai"),
)
"""Fonts of many letters on Linux, macOS and Windows, tried in this order."""
LAST = "Last Resort High-Efficiency"
"""Matplotlib's own since 3.11: a frame for every letter, so that drawing does not warn of each one."""


def give_fonts(figure: Figure) -> list[str]:
    """Let every text whose font lacks a letter fall back on a font that has it; returns the letters that none has."""
    nowhere: set[str] = set()
    for text in figure.findobj(Text):
        if isinstance(text, Text) and not text.get_text().isascii():
            nowhere |= _give(text)
    return sorted(nowhere)


def tell_fonts(figure: Figure) -> None:
    """Do so, and say in one line, once, which letters will be frames."""
    nowhere = give_fonts(figure)
    if nowhere:
        _tell(listing(nowhere))


@cache
def _tell(letters: str) -> None:
    logger.warning(
        "no installed font has %s; install one (such as Noto Sans CJK) or set matplotlib.rcParams['font.family']",
        letters,
    )


def _give(text: Text) -> set[str]:
    """Add families to a text; the letters that no font has."""
    families = [name for name in text.get_fontfamily() if name != LAST]
    lacking = {letter for letter in text.get_text() if letter.isprintable()}
    lacking = {letter for letter in lacking if not any(ord(letter) in _letters(name) for name in families)}
    if not lacking:
        return lacking
    for name in OTHERS:
        left = {letter for letter in lacking if ord(letter) not in _letters(name)}
        if left < lacking:
            families.append(name)
            lacking = left
    text.set_fontfamily([*families, LAST] if lacking and _has_last() else families)
    return lacking


@cache
def _letters(family: str) -> frozenset[int]:
    """The letters of a font, as numbers; none where it is not installed."""
    try:
        path = font_manager.findfont(FontProperties(family=[family]), fallback_to_default=False)
    except ValueError:
        return frozenset()
    return frozenset(font_manager.get_font(path).get_charmap())


@cache
def _has_last() -> bool:
    return any(entry.name == LAST for entry in font_manager.fontManager.ttflist)
