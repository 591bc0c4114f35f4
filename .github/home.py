"""Fill in the address of the project everywhere: ``make home OWNER=name`` (once, before the first public release).

Until then nothing points at an address that does not exist: the lines that need one are comments that hold the word
``OWNER``. This uncomments them and puts the name of the account or organisation there; pictures of the README get whole
addresses, without which a package index does not show them. ``authors`` in
``pyproject.toml`` and ``CITATION.cff`` are people: a maintainer writes them.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = (
    "pyproject.toml",
    "meta.yaml",
    "CITATION.cff",
    "README.md",
    "docs/conf.py",
    "recipe/meta.yaml",
    ".github/ISSUE_TEMPLATE/config.yml",
)
HASH = re.compile(r"^( *)# (.*\bOWNER\b.*|\[project\.urls\])$")
MARKUP = re.compile(r"^<!-- (.*\bOWNER\b.*) -->$")
PICTURE = re.compile(r"\]\((docs/images/[^)]+)\)")


def filled(text: str, owner: str) -> str:
    """The text with its commented addresses in use, and the owner in them."""
    lines = []
    for line in text.splitlines():
        found = HASH.match(line)
        if found:
            line = (found[1] + found[2]).replace("OWNER", owner)
        else:
            found = MARKUP.match(line)
            line = found[1].replace("OWNER", owner) if found else line
        lines.append(line)
    pictures = rf"](https://raw.githubusercontent.com/{owner}/scgce/main/\1)"
    return PICTURE.sub(pictures, "\n".join(lines) + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Rewrite the files in place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("owner", help="account or organisation that the repository belongs to")
    parser.add_argument("--root", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", options.owner):
        parser.error(f"owner={options.owner!r}: expected letters, digits and hyphens")
    for name in FILES:
        path = options.root / name
        path.write_text(filled(path.read_text(encoding="utf-8"), options.owner), encoding="utf-8")


if __name__ == "__main__":
    main()
