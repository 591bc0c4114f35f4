"""The page on the command line says what the commands do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from scgce.cli._app import app
from scgce.cli._errors import EXIT_CODES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _lines(path: Path) -> list[str]:
    """Every call of ``scgce`` that a page shows, in a block or in a sentence."""
    text = path.read_text(encoding="utf-8")
    blocks = "\n".join(_blocks(text, "sh")).replace("\\\n", " ").splitlines()
    return [line for line in [*blocks, *re.findall(r"`(scgce [a-z-]+ -[^`]+)`", text)] if line.startswith("scgce ")]


CALLS = [(path.name, line) for path in PAGES for line in _lines(path)]


def test_calls_are_found() -> None:
    assert len([line for page, line in CALLS if page == "cli.md"]) > 10
    assert any(page == "README.md" for page, _ in CALLS)


@pytest.mark.parametrize(("page", "line"), CALLS)
def test_every_call_shown_has_the_options_of_its_command(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in _blocks(TEXT, "yaml"):
        Path(block.splitlines()[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    words = shlex.split(line.partition(" | ")[0], comments=True)[1:]
    group = typer.main.get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    context = command.make_context(words[0], words[1:], parent=group.make_context("scgce", words))
    assert context.params


def test_exit_codes_are_those_of_the_commands() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert {int(code): meaning.replace("`", "") for code, meaning in rows} == EXIT_CODES
