"""Configuration of the documentation: ``make docs``."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.ext.autosummary import Autosummary
from sphinx.util.docutils import SphinxDirective

import scgce

# The notebooks live beside docs/; Sphinx reads only what lies below its own folder.
HERE = Path(__file__).parent
(HERE / "tutorials").mkdir(exist_ok=True)
for notebook in sorted((HERE.parent / "tutorials").glob("*.ipynb")):
    shutil.copy2(notebook, HERE / "tutorials")

project = "scgce"
author = "The scgce developers"
copyright = f"2026, {author}"
version = release = scgce.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_autodoc_typehints",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # tutorials are committed with their outputs
napoleon_google_docstring = False
# "Returns" is prose that says what is set, not a type in its first line; types come from the annotations.
napoleon_custom_sections = ["Returns"]
typehints_document_rtype = False
autosummary_generate = False
html_math_renderer = "mathml"
default_role = "py:obj"  # `tl.tgt` in a docstring is a link
autodoc_member_order = "bysource"
always_use_bars_union = True

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_title = f"scgce {version}"
html_theme_options = {"navbar_persistent": []}  # the search is in the sidebar
# html_theme_options |= {"repository_url": "https://github.com/OWNER/scgce", "use_repository_button": True}


class SummaryOf(Autosummary):
    """``.. summary-of:: tl``: name and first line of everything on the page of a module, in its order."""

    required_arguments = 1

    def run(self) -> list[Any]:
        module = self.arguments[0]
        page = (HERE / "api" / f"{module}.md").read_text(encoding="utf-8")
        names = re.findall(r"^\.\. auto(?:function|class):: (\w+)$", page, re.MULTILINE)
        self.content = StringList([f"~scgce.{module}.{name}" for name in names], source=module)
        return super().run()

    def get_items(self, names: list[str]) -> list[tuple[str, str | None, str, str]]:
        """Whole first paragraphs: Sphinx ends a sentence at "Eq."."""
        items = []
        for name, signature, _, path in super().get_items(names):
            module, _, function = path.rpartition(".")
            text = inspect.getdoc(getattr(importlib.import_module(module), function)) or ""
            items.append((name, signature, " ".join(text.partition("\n\n")[0].split()), path))
        return items


class HelpOf(SphinxDirective):
    """``.. help-of:: tgt``: what ``scgce tgt --help`` prints."""

    required_arguments = 1

    def run(self) -> list[Any]:
        words = [word for word in self.arguments if word != "scgce"]
        environment = os.environ | {"COLUMNS": "90"}
        line = [sys.executable, "-m", "scgce", *words, "--help"]
        text = subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout
        return [nodes.literal_block(text, text, language="text")]


def _plain(tex: str) -> str:
    """Without what MathML does by itself (brackets grow with what they hold), and an index beside an accent."""
    tex = re.sub(r"\\[bB]igg?[lr]?(?![a-zA-Z])", "", tex)
    return re.sub(r"\\(bar|hat|tilde)\s*(\{[^{}]*\}|[A-Za-z])", r"\\\1 \2{}", tex)


def visit_math(writer: Any, node: Any) -> None:
    """Write mathematics as MathML, which browsers draw by themselves: no script, no network."""
    writer.body.append(tex2mathml(_plain(node.astext())))
    raise nodes.SkipNode


def visit_displaymath(writer: Any, node: Any) -> None:
    writer.body.append(f'<div style="margin: 1em 0">{tex2mathml(_plain(node.astext()), as_block=True)}</div>')
    raise nodes.SkipNode


def returns_as_field(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Show the prose of "Returns" between parameters and errors, as one of their kind.

    napoleon makes a heading of it, and sphinx_autodoc_typehints puts a colon before the first word.
    """
    if ".. rubric:: Returns" not in lines:
        return
    start = lines.index(".. rubric:: Returns")
    after = (at for at in range(start + 1, len(lines)) if re.match(r":\w|\.\. rubric::", lines[at]))
    end = next(after, len(lines))
    prose = [line for line in lines[start + 1 : end] if line.strip() != ":"]
    lines[start:end] = [":returns:", *(f"    {line}".rstrip() for line in prose[1:]), ""]


def link_to_public(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """The place of what docstrings call ``tl.tgt`` or ``pl.sweep``, as users do after ``import scgce``."""
    if node.get("refdomain") != "py" or not re.match(r"(tl|get|pl|datasets|encoders)\.\w+$", node["reftarget"]):
        return None
    target = f"scgce.{node['reftarget']}"
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, content)


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", returns_as_field, priority=600)  # behind napoleon
    app.connect("missing-reference", link_to_public)
    app.add_directive("summary-of", SummaryOf)
    app.add_directive("help-of", HelpOf)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
