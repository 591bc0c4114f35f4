"""``python -m scgce``: the same as the command ``scgce``."""

from __future__ import annotations

from scgce.cli import main

if __name__ == "__main__":
    main()
