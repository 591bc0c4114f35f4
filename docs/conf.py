"""Configuration of the documentation: ``make docs``."""

from __future__ import annotations

import scgce

project = "scgce"
author = "The scgce developers"
copyright = f"2026, {author}"
version = release = scgce.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_autodoc_typehints",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
nb_execution_mode = "off"  # tutorials are committed with their outputs
napoleon_google_docstring = False
autodoc_member_order = "bysource"
always_use_bars_union = True

html_theme = "sphinx_book_theme"
html_title = f"scgce {version}"
