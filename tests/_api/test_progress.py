from __future__ import annotations

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from scgce._api.constraints import checked
from scgce._api.progress import done, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_silent_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(progress(range(3), desc="path")) == [0, 1, 2]
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(progress(iter("ab"), total=2, desc="sweep")) == ["a", "b"]
    assert "sweep" in sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert capsys.readouterr().out == ""


def test_steps_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(total=5) as bar:
        bar.update(2)
        assert bar.n == 2
        assert bar.total == 5


def test_shown_in_a_notebook_and_left_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = SimpleNamespace(config={"IPKernelApp": {}})  # a kernel runs, and stderr is no terminal
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert list(progress(range(3), desc="path")) == [0, 1, 2]
    shown = capsys.readouterr().err
    assert "path: 100%" in shown
    assert shown.endswith("\n")


def test_the_text_kept_of_a_widget_is_that_of_its_end() -> None:
    """What a saved notebook shows where no widget is drawn."""
    pytest.importorskip("ipywidgets")
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = "from scgce._api.progress import progress\nfor _ in progress(range(5), desc='path'): pass"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    (shown,) = (part["data"] for part in notebook.cells[0].outputs if part["output_type"] == "display_data")
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/plain"].startswith("path: 100%")


@pytest.mark.parametrize("total", [5, None])
def test_work_that_ends_early_ends_with_a_full_bar(monkeypatch: pytest.MonkeyPatch, total: int | None) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress(total=total, desc="sweep") as bar:
        bar.update(2)
        done(bar)
    assert (bar.n, bar.total) == ((5, 5) if total else (2, 2))
    assert "sweep: 100%" in sys.stderr.getvalue()  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    done(progress(total=total))  # nobody watches
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


@checked()
def slow(rng: int = 0) -> None:
    logging.getLogger("scgce").info("reached %d", rng)


@pytest.mark.parametrize("verbosity, shown", [(0, False), (1, False), (2, True), (3, True)])
def test_scanpy_s_verbosity_is_honoured(
    verbosity: int, shown: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import scanpy as sc

    monkeypatch.setattr("scgce._api.progress.LONG", -1.0)
    before, logger = sc.settings.verbosity, logging.getLogger("scgce")
    handlers = list(logger.handlers)
    try:
        sc.settings.verbosity = verbosity
        slow(rng=7)
    finally:
        sc.settings.verbosity = before
    error = capsys.readouterr().err
    assert ("reached 7\n" in error) is shown
    assert ("s\n" in error) is shown  # how long it took
    assert logger.handlers == handlers
    assert logger.level == logging.NOTSET


def test_who_configured_logging_hears_it_once(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    import scanpy as sc

    before = sc.settings.verbosity
    try:
        sc.settings.verbosity = 3
        with caplog.at_level(logging.INFO, logger="scgce"):
            slow(rng=3)
    finally:
        sc.settings.verbosity = before
    assert [record.getMessage() for record in caplog.records] == ["reached 3"]
    assert capsys.readouterr().err == ""
