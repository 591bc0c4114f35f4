"""Configuration of the documentation: ``make docs``."""

from __future__ import annotations

import shutil
from pathlib import Path

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
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_autodoc_typehints",
    "sphinxcontrib.typer",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
nb_execution_mode = "off"  # tutorials are committed with their outputs
napoleon_google_docstring = False
autodoc_member_order = "bysource"
always_use_bars_union = True

html_theme = "sphinx_book_theme"
html_title = f"scgce {version}"
html_theme_options = {"navbar_persistent": []}  # the search is in the sidebar
# html_theme_options |= {"repository_url": "https://github.com/OWNER/scgce", "use_repository_button": True}
