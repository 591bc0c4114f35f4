"""Run the tutorials from top to bottom and fail on the first error: ``make tutorials``.

``python tutorials/run.py`` checks; with ``--write`` the outputs are stored in the notebooks. Names of notebooks
(``pbmc3k panel``) restrict it to those.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).parent
TIMEOUT = 1800
"""Seconds that one cell may take on a busy machine."""


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks without .ipynb; all if none is named")
    parser.add_argument("--write", action="store_true", help="store the outputs in the notebooks")
    options = parser.parse_args(arguments)
    paths = find(options.names)
    failed = [path.stem for path in paths if not run(path, write=options.write)]
    if failed:
        sys.stderr.write(f"failed: {', '.join(failed)}\n")
    return int(bool(failed))


def find(names: list[str]) -> list[Path]:
    """Paths of the notebooks with these names, all if there are none."""
    paths = {path.stem: path for path in sorted(HERE.glob("*.ipynb"))}
    unknown = sorted(set(names) - set(paths))
    if unknown:
        raise SystemExit(f"no tutorial {', '.join(unknown)}; there are {', '.join(paths)}")
    return [paths[name] for name in names] if names else list(paths.values())


def run(path: Path, *, write: bool) -> bool:
    """Run one notebook in a fresh kernel; True if it reached its end."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(HERE)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        sys.stderr.write(f"{path.stem}: {error}\n")
        return False
    sys.stdout.write(f"{path.stem}: {time.perf_counter() - start:.0f} s\n")
    sys.stdout.flush()
    if write:
        nbformat.write(tidy(notebook), path)
    return True


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what tells of the machine: times, the kernel's version, remarks on missing widgets."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _of_the_machine(output.get("text", ""))]
    return notebook


def _of_the_machine(text: str) -> bool:
    """Whether a text is a remark on missing widgets, or a state of a progress bar."""
    return "TqdmWarning" in text or "%|" in text or "it/s" in text


if __name__ == "__main__":
    raise SystemExit(main())
