"""The page: style, data and script in one file that may load nothing and run nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
from importlib.resources import files
from typing import Any

from ._encode import json_in_html

SCRIPTS = ("base", "table", "chart", "codebook", "map", "pair", "main")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="scgce">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def page(content: dict[str, Any]) -> str:
    """
    Put the page together.

    The content security policy lets the browser run the page's own script and style, known by their hashes, and
    nothing else: no network, no script that a name in the data could smuggle in.

    Parameters
    ----------
    content
        What `scgce._report._payload.payload` gives.
    """
    style = _asset("style.css")
    script = '"use strict";\n(() => {\n' + "\n".join(_asset(f"{name}.js") for name in SCRIPTS) + "})();\n"
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(content["title"]),
        style=style,
        body=_asset("body.html"),
        data=json_in_html(content),
        script=script,
    )


def _asset(name: str) -> str:
    return (files("scgce._report") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
