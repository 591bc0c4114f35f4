"""The page in headless Chromium: it draws without a message, and its controls do what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
from tests._results import blobs, store_pairs, store_result

from scgce import get

from ._attacks import ATTACK, poisoned

pytestmark = pytest.mark.browser


def _choose(page: Any, select: str, index: int) -> None:
    page.execute_script(
        "const s = document.getElementById(arguments[0]); s.selectedIndex = arguments[1];"
        "s.dispatchEvent(new Event('change'));",
        select,
        index,
    )


def _rows(page: Any, table: str) -> list[list[str]]:
    return page.execute_script(
        "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
        ".map(r => [...r.cells].map(c => c.textContent))",
        table,
    )


def _search(page: Any, table: str, words: str) -> None:
    page.execute_script(
        "const i = document.querySelector(`#${arguments[0]} input`); i.value = arguments[1];"
        "i.dispatchEvent(new Event('input'));",
        table,
        words,
    )


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


def _ink(page: Any, canvas: str, color: list[int]) -> int:
    """Pixels of a colour."""
    return page.execute_script(
        "const c = document.getElementById(arguments[0]);"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 0; i < d.length; i += 4) n += arguments[1].every((v, k) => d[i + k] === v); return n;",
        canvas,
        color,
    )


def test_clusters_that_are_numbers_are_not_numbered_again(
    explained: ad.AnnData, write_page: Callable, visit: Callable
) -> None:
    explained.obs["cell_type"] = explained.obs["cell_type"].cat.rename_categories(["0", "1", "2", "3"])
    explained.uns["tgt"]["groups"] = np.array(["0", "1", "2", "3"], dtype=object)
    page = visit(write_page(explained))
    shown = page.execute_script("return [...document.getElementById('source').options].map(o => o.textContent)")
    assert shown == ["0", "1", "2", "3"]
    legend = page.execute_script("return [...document.querySelectorAll('#legend .number')].map(e => e.textContent)")
    assert legend == [""] * 4
    assert page.get_log("browser") == []


@pytest.mark.parametrize("pairs", [False, True])
def test_every_pair_and_sparsity_shows_its_explanation(
    explained: ad.AnnData, write_page: Callable, visit: Callable, pairs: bool
) -> None:
    if pairs:
        store_pairs(explained)
    page = visit(write_page(explained))
    names = [str(name) for name in explained.uns["tgt"]["groups"]]
    for level, k in enumerate((1, 2, 5)):
        for source, target in ((0, 1), (2, 0), (3, 2)):
            _choose(page, "level", level)
            _choose(page, "source", source)
            _choose(page, "target", target)
            expected = get.explanation(explained, names[source], names[target], sparsity=k)
            rows = _rows(page, "pair-table")
            assert [row[0] for row in rows] == expected["gene"].tolist()
            assert [_number(row[1]) for row in rows] == pytest.approx(expected["delta"].tolist(), abs=6e-4)
            assert [_number(row[4]) for row in rows] == pytest.approx(expected["mean_difference"].tolist(), abs=6e-4)
            direction = page.find_element("id", "direction").text
            assert direction == f"{names[source]} → {names[target]}: add the amounts to cells of {names[source]}"
    assert page.get_log("browser") == []


def test_source_and_target_never_coincide(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    page = visit(write_page(explained))

    def pair() -> list[int]:
        return [
            page.execute_script(f"return document.getElementById('{s}').selectedIndex") for s in ("source", "target")
        ]

    _choose(page, "source", 0)
    _choose(page, "target", 1)
    _choose(page, "source", 1)
    assert pair() == [1, 0]
    page.find_element("id", "swap").click()
    assert pair() == [0, 1]


def test_a_square_of_the_heatmap_opens_its_pair(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    page = visit(write_page(explained))
    names = explained.uns["tgt"]["groups"]
    square = page.find_element("css selector", '[data-score="coverage"] rect[data-pair="3-1"]')
    expected = get.metrics(explained).set_index(["source", "target"]).loc[(names[3], names[1])]
    title = square.find_element("css selector", "title").get_attribute("textContent")
    assert title == f"{names[3]} → {names[1]}: {expected['coverage']:.2f}"
    page.execute_script("arguments[0].dispatchEvent(new Event('click'))", square)
    assert page.find_element("id", "direction").text.startswith(f"{names[3]} → {names[1]}")
    assert f"correctness {expected['correctness']:.2f}" in page.find_element("id", "pair-scores").text


def test_tables_search_and_sort(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    page = visit(write_page(explained))
    names = explained.uns["tgt"]["groups"]
    assert len(_rows(page, "metrics-table")) == 12
    _search(page, "metrics-table", names[3].lower())
    assert len(_rows(page, "metrics-table")) == 6
    _search(page, "metrics-table", "no such group")
    assert _rows(page, "metrics-table") == []
    _search(page, "metrics-table", "")
    head = page.find_elements("css selector", "#metrics-table th button")[3]
    for way in (-1, 1):
        page.execute_script("arguments[0].click()", head)
        values = [_number(row[3]) for row in _rows(page, "metrics-table")]
        assert values == sorted(values, reverse=way < 0)
    order = get.metrics(explained)["correctness"].sort_values().round(3).tolist()
    assert values == pytest.approx(order, abs=1e-3)


def _picture(page: Any) -> str:
    return page.execute_script("return document.getElementById('pair-map').toDataURL()")


def test_translated_cells_are_drawn_at_every_sparsity(
    explained: ad.AnnData, write_page: Callable, visit: Callable
) -> None:
    page = visit(write_page(explained))
    pictures = []
    for level in range(3):
        _choose(page, "level", level)
        assert _ink(page, "pair-map", [0x08, 0x40, 0x8A]) > 50
        assert "cells translated" in page.find_element("id", "pair-note").text
        pictures.append(_picture(page))
    assert len(set(pictures)) == 3


def _shown(page: Any) -> tuple[str, str]:
    level = page.execute_script(
        "const s = document.getElementById('level'); return s.options[s.selectedIndex].textContent"
    )
    return page.find_element("id", "direction").text.partition(":")[0], level.split()[0]


def test_a_link_opens_the_pair_and_sparsity_that_were_seen(
    explained: ad.AnnData, write_page: Callable, visit: Callable
) -> None:
    path = write_page(explained)
    page = visit(path)
    names = [str(name) for name in explained.uns["tgt"]["groups"]]
    assert "#" not in page.current_url  # nothing chosen yet
    for level, source, target in ((0, 2, 1), (1, 3, 0)):
        _choose(page, "level", level)
        _choose(page, "source", source)
        _choose(page, "target", target)
        link, seen = page.current_url, (_shown(page), _rows(page, "pair-table"))
        assert seen[0] == (f"{names[source]} → {names[target]}", ("1", "2")[level])
        page.get("about:blank")
        page.get(link)
        assert (_shown(page), _rows(page, "pair-table")) == seen
    page.get("about:blank")
    page.get(f"{path.as_uri()}#from=no+such+group&to={names[1]}&k=99")
    assert _shown(page)[1] == "5"
    assert page.get_log("browser") == []


def test_following_a_section_s_link_keeps_the_pair_in_the_address(
    explained: ad.AnnData, write_page: Callable, visit: Callable
) -> None:
    page = visit(write_page(explained))
    _choose(page, "source", 3)
    before = page.current_url
    page.execute_script("arguments[0].click()", page.find_element("css selector", 'nav a[href="#markers"]'))
    assert page.current_url == before


def test_keys_walk_through_pairs_and_sparsities(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    page = visit(write_page(explained))
    names = [str(name) for name in explained.uns["tgt"]["groups"]]
    _choose(page, "source", 0)
    _choose(page, "target", 1)

    def press(key: str, shift: bool = False) -> tuple[str, str]:
        page.execute_script(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], shiftKey: arguments[1], "
            "bubbles: true}))",
            key,
            shift,
        )
        return _shown(page)

    assert press("ArrowRight")[0] == f"{names[0]} → {names[2]}"
    assert press("s")[0] == f"{names[2]} → {names[0]}"
    assert press("ArrowRight", shift=True)[0] == f"{names[3]} → {names[0]}"
    assert press("ArrowRight", shift=True)[0] == f"{names[1]} → {names[0]}"  # never the target itself
    assert press("-")[1] == "2"
    assert press("+")[1] == "5"
    assert press("+")[1] == "5"


def test_plausibility_stands_beside_the_metrics(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    size = len(explained.uns["tgt"]["groups"])
    far = np.arange(size * size, dtype=float).reshape(size, size) / 10
    explained.uns["tgt"]["evidence"] = {"sparsity": 5, "off_manifold": far, "below_zero": far / 100}
    page = visit(write_page(explained))
    _choose(page, "source", 1)
    _choose(page, "target", 2)
    assert f"distance to real cells {far[1, 2]:.2f}" in page.find_element("id", "pair-scores").text
    heads = [head.text for head in page.find_elements("css selector", "#metrics-table th")]
    assert {"distance to real cells", "share below zero"} <= set(heads)
    _choose(page, "level", 0)  # not known for another number of genes
    assert "distance to real cells" not in page.find_element("id", "pair-scores").text


def test_a_group_alone_on_the_map(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    explained.uns["cell_type_colors"] = ["#ff0000", "#00ff00", "#0000ff", "#ff00ff"]
    page = visit(write_page(explained))
    both = _ink(page, "groups-map", [255, 0, 0]), _ink(page, "groups-map", [0, 255, 0])
    assert min(both) > 20
    button = page.find_elements("css selector", "#legend button")[0]
    page.execute_script("arguments[0].click()", button)
    assert _ink(page, "groups-map", [255, 0, 0]) > 20
    assert _ink(page, "groups-map", [0, 255, 0]) == 0
    assert button.get_attribute("aria-pressed") == "true"
    page.execute_script("arguments[0].click()", button)
    assert _ink(page, "groups-map", [0, 255, 0]) > 20


def test_hostile_names_are_shown_and_not_run(write_page: Callable, visit: Callable) -> None:
    page = visit(write_page(poisoned(), title=ATTACK))  # an alert would make every following call fail
    assert page.title == ATTACK
    assert page.find_element("id", "title").text == ATTACK
    assert page.execute_script("return document.images.length") == 0
    assert page.execute_script("return document.scripts.length") == 2
    _choose(page, "source", 0)
    assert page.find_element("id", "direction").text.startswith(ATTACK)
    assert ATTACK in page.find_element("id", "legend").text
    assert ATTACK in page.find_element("id", "facts").text
    assert page.get_log("browser") == []


@pytest.mark.parametrize("size", [2, 3, 30])
def test_every_size_draws(write_page: Callable, visit: Callable, size: int) -> None:
    page = visit(write_page(store_result(blobs(size, 60))))
    assert len(page.find_elements("css selector", "#legend li")) == size
    assert len(page.find_elements("css selector", '[data-score="correctness"] rect.cell')) == size * (size - 1)
    wide = page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
    assert page.get_log("browser") == []


def test_results_with_little_in_them(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    entry = explained.uns["tgt"]
    del entry["sweep"], entry["split"], entry["percent_explained"]
    entry["encoder"] |= {"stored": False}
    entry["deltas"] = entry["deltas"] * 0
    page = visit(write_page(explained))
    assert "No gene" in page.execute_script("return document.getElementById('lollipop').textContent")
    assert not page.find_element("id", "sweep").is_displayed()
    assert "not shown" in page.find_element("id", "pair-note").text


def test_the_page_says_when_epsilon_is_coarse(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    explained.uns["tgt"]["epsilon"] = 2.5
    page = visit(write_page(explained))
    assert "of the order of the distance between groups" in page.find_element("css selector", ".warning").text


def test_nothing_but_the_page_is_opened(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    page = visit(write_page(explained))
    assert page.execute_script("return performance.getEntriesByType('resource').map(e => e.name)") == []


@pytest.mark.parametrize("name", ["", "CD4-positive, alpha-beta T cell of the colon " * 5, "Withoutanyspace" * 14])
def test_a_narrow_screen_scrolls_only_down(
    explained: ad.AnnData, write_page: Callable, visit: Callable, name: str
) -> None:
    groups = [f"{name}{group}" for group in explained.uns["tgt"]["groups"]]
    explained.uns["tgt"]["groups"] = np.array(groups, dtype=object)
    explained.obs["cell_type"] = explained.obs["cell_type"].cat.rename_categories(groups)
    path: Path = write_page(explained)
    page = visit(path)
    size = page.get_window_size()
    try:
        page.set_window_size(500, 900)
        page.get(path.as_uri())
        assert page.execute_script("return document.body.scrollWidth <= window.innerWidth")
        legend = "const list = document.getElementById('legend'); return list.scrollWidth <= list.clientWidth"
        assert page.execute_script(legend)
    finally:
        page.set_window_size(size["width"], size["height"])


def test_no_drawing_cuts_its_words_off(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    sweep = explained.uns["tgt"]["sweep"]
    for name in ("correctness", "coverage"):
        sweep[f"dbm_scaled_{name}"] = sweep[f"dbm_{name}"]
    names = [*explained.obs["cell_type"].cat.categories]
    names[0] = "a name of a cell type that is as long as names become in an atlas of many organs"
    explained.obs["cell_type"] = explained.obs["cell_type"].cat.rename_categories(names)
    explained.uns["tgt"]["groups"] = np.array(names, dtype=object)
    page = visit(write_page(explained))
    beyond = page.execute_script(
        "return [...document.querySelectorAll('svg')].flatMap(svg => [...svg.querySelectorAll('text')].filter(t => {"
        "const [a, b] = [svg.getBoundingClientRect(), t.getBoundingClientRect()];"
        "return b.width && (b.left < a.left - 1 || b.right > a.right + 1); }).map(t => t.textContent))"
    )
    assert beyond == []


def test_only_the_pairs_asked_for_can_be_chosen(explained: ad.AnnData, write_page: Callable, visit: Callable) -> None:
    entry, size = explained.uns["tgt"], len(explained.uns["tgt"]["groups"])
    asked = np.zeros((size, size), dtype=bool)
    asked[[0, 2, 1, 3], [2, 0, 3, 1]] = True
    entry["asked"] = asked
    for part in (entry, entry["sweep"]):
        for name in ("correctness", "coverage"):
            part[name] = np.where(asked | np.eye(size, dtype=bool), part[name], np.nan)
    page = visit(write_page(explained))
    names = [str(name) for name in entry["groups"]]
    for source, target in ((0, 2), (1, 3), (2, 0)):
        _choose(page, "source", source)
        chosen = page.execute_script("return document.getElementById('target').selectedIndex")
        assert chosen == target
        told = page.execute_script("return document.getElementById('direction').textContent")
        assert told.startswith(f"{names[source]} → {names[target]}:")
        genes = get.explanation(explained, names[source], names[target])["gene"]
        assert {row[0] for row in _rows(page, "pair-table")} == set(genes)
    rows = _rows(page, "metrics-table")
    assert {(row[0], row[1]) for row in rows} == {(names[i], names[j]) for i, j in np.argwhere(asked)}
    contrasts = _rows(page, "contrasts-table")
    assert {row[1] for row in contrasts} == {f"{names[0]} → {names[2]}", f"{names[1]} → {names[3]}"}
    assert page.get_log("browser") == []
