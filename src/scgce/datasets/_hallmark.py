"""The Hallmark gene sets of MSigDB."""

from __future__ import annotations

from importlib.resources import files

_FILE = "h.all.v7.5.1.symbols.gmt"


def hallmark() -> dict[str, list[str]]:
    """The 50 Hallmark gene sets of MSigDB 7.5.1, human gene symbols.

    Sets of 32 to 200 genes that stand for well-defined states and processes, each refined from many published sets
    (Liberzon et al., Cell Systems 1 (2015) 417, doi:10.1016/j.cels.2015.12.004). They come with scgce: nothing is
    downloaded. Licence: Creative Commons Attribution 4.0; cite the article. They name 4,383 genes, many of them in
    several sets; most genes are in none.

    Returns
    -------
    Symbols by name of the set (``"HALLMARK_HYPOXIA"``, …), in the order of the file: a source for `tl.programs`, and
    for ``annotate=`` of `get.programs`.
    """
    text = files(__package__).joinpath("data", _FILE).read_text(encoding="utf-8")
    fields = (line.split("\t") for line in text.splitlines())
    return {name: genes for name, _, *genes in fields}
