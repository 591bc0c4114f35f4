"""The Hallmark gene sets: complete, with their licence beside them."""

from __future__ import annotations

from importlib.resources import files

from scgce.datasets import hallmark


def test_fifty_sets_of_human_symbols() -> None:
    sets = hallmark()
    assert len(sets) == 50 and all(name.startswith("HALLMARK_") for name in sets)
    assert {len(genes) == len(set(genes)) for genes in sets.values()} == {True}
    assert (min(map(len, sets.values())), max(map(len, sets.values()))) == (32, 200)
    assert len({gene for genes in sets.values() for gene in genes}) == 4383
    assert {"GAPDH", "LDHA"} <= set(sets["HALLMARK_GLYCOLYSIS"]) | set(sets["HALLMARK_HYPOXIA"])
    assert {"STAT1", "IRF1"} <= set(sets["HALLMARK_INTERFERON_GAMMA_RESPONSE"])


def test_licence_and_attribution_come_with_them() -> None:
    text = files("scgce.datasets").joinpath("data", "h.all.v7.5.1.symbols.LICENSE.txt").read_text(encoding="utf-8")
    for part in ("Broad Institute", "Creative Commons Attribution 4.0 International Public License", "Liberzon"):
        assert part in text
