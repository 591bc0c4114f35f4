from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import anndata as ad
import pytest
from tests._results import blobs, store_result

import scgce

from ._attacks import ATTACK, poisoned


class _Parts(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in {"script", "style"} and data.strip():
            self.scripts.append((self.tags[-1][1] | {"tag": self.tags[-1][0]}, data))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_nothing_is_loaded_from_elsewhere(explained: ad.AnnData, write_page: Callable[..., Path]) -> None:
    text = write_page(explained).read_text(encoding="utf-8")
    parts = _Parts(text)
    for tag, attributes in parts.tags:
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith(("#", "data:")), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert re.findall(r"(?:https?:)?//[\w.]+\.\w+", text.replace("http://www.w3.org/2000/svg", "")) == []
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|import)\b\s*\(|innerHTML|document\.write|eval\(", text)


def test_the_policy_allows_exactly_this_script_and_style(
    explained: ad.AnnData, write_page: Callable[..., Path]
) -> None:
    parts = _Parts(write_page(explained).read_text(encoding="utf-8"))
    policy = next(a["content"] for tag, a in parts.tags if tag == "meta" and "http-equiv" in a)
    kinds = {(a["tag"], a.get("type")): text for a, text in parts.scripts}
    assert set(kinds) == {("style", None), ("script", "application/json"), ("script", None)}
    assert policy.startswith("default-src 'none';")
    assert f"script-src '{_hash(kinds['script', None])}'" in policy
    assert f"style-src '{_hash(kinds['style', None])}'" in policy


def test_names_from_the_file_are_only_data(write_page: Callable[..., Path]) -> None:
    text = write_page(poisoned(), title=ATTACK).read_text(encoding="utf-8")
    clean = write_page(store_result(blobs())).read_text(encoding="utf-8")
    parts = _Parts(text)
    assert [tag for tag, _ in parts.tags] == [tag for tag, _ in _Parts(clean).tags]
    assert "alert(" not in "".join(text for a, text in parts.scripts if a.get("type") is None)
    data = json.loads(next(text for a, text in parts.scripts if a.get("type") == "application/json"))
    assert data["title"] == ATTACK
    assert ATTACK in data["genes"]
    assert data["groups"][0] == ATTACK


def test_same_bytes_for_the_same_seed(explained: ad.AnnData, write_page: Callable[..., Path]) -> None:
    first = write_page(explained, max_cells=50, rng=1).read_bytes()
    assert write_page(explained, max_cells=50, rng=1).read_bytes() == first
    assert write_page(explained, max_cells=50, rng=2).read_bytes() != first


def test_the_adata_is_left_alone(explained: ad.AnnData, write_page: Callable[..., Path]) -> None:
    uns, obsm, obs = set(explained.uns), set(explained.obsm), list(explained.obs)
    write_page(explained)
    assert (set(explained.uns), set(explained.obsm), list(explained.obs)) == (uns, obsm, obs)


def test_thirty_groups_and_many_genes_stay_small(write_page: Callable[..., Path]) -> None:
    adata = store_result(blobs(30, 600, cells=60), sparsities=(1, 5, 20, 50, 200), selected=20)
    assert write_page(adata).stat().st_size < 10_000_000


@pytest.mark.parametrize(
    "options, error, said",
    [
        ({"key": "tgd"}, KeyError, "key='tgd'"),
        ({"basis": "X_tsne"}, KeyError, "basis='X_tsne'"),
        ({"max_cells": 0}, ValueError, "max_cells=0"),
    ],
)
def test_errors_name_the_argument_and_leave_no_file(
    explained: ad.AnnData, tmp_path: Path, options: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        scgce.report(explained, tmp_path / "page.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_an_absent_folder_is_an_os_error(explained: ad.AnnData, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        scgce.report(explained, tmp_path / "none" / "page.html")
