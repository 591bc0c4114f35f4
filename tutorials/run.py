"""Run the tutorials from top to bottom and fail on the first error: ``make tutorials``.

``python tutorials/run.py`` checks; with ``--write`` the outputs are stored in the notebooks. Names of notebooks
(``pbmc3k panel``) restrict it to those. Several run beside each other, each in a kernel of one thread.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import gettempdir

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

HERE = Path(__file__).parent
TIMEOUT = 1800
"""Seconds that one cell may take on a busy machine."""
_TIMES = re.compile(r" \[\d+:\d\d.*?\]")
"""Behind a progress bar."""
_PLACE = re.compile(rf"{re.escape(gettempdir())}/ipykernel_\d+/\d+\.py:\d+: (.*)\n  .*\n")
"""Where a warning was raised, a temporary file of the kernel, and behind the warning the line that raised it."""
_NO_WIDGETS = re.compile(r".*TqdmWarning.*\n  .*\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks without .ipynb; all if none is named")
    parser.add_argument("--write", action="store_true", help="store the outputs in the notebooks")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="notebooks at a time")
    options = parser.parse_args(arguments)
    # The longest first: it should not be left alone at the end. Which that is the size of what they show tells, but for
    # the workflow, whose dozen commands import everything anew.
    paths = sorted(find(options.names), key=lambda path: (path.stem != "snakemake", -path.stat().st_size))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ThreadPoolExecutor(options.jobs) as pool:
        succeeded = list(pool.map(lambda path: run(path, write=options.write), paths))
    failed = [path.stem for path, success in zip(paths, succeeded, strict=True) if not success]
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
            cell.outputs = [output for output in _joined(cell.outputs) if output.get("text", "shown").strip()]
    return notebook


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Pieces of one stream as one text, as a reader sees it at the end."""
    found: list[nbformat.NotebookNode] = []
    for output in outputs:
        if found and output.output_type == "stream" and found[-1].get("name") == output.name:
            found[-1].text += output.text
        else:
            found.append(output)
    for output in found:
        if output.output_type == "stream":
            output.text = _as_seen(output.text)
    return found


def _as_seen(text: str) -> str:
    """A text with progress bars in their last state, without times, places of warnings and empty lines."""
    lines: list[str] = []
    for line in _PLACE.sub(r"\n\1\n", _NO_WIDGETS.sub("", text)).split("\n"):
        shown = _TIMES.sub("", line.rsplit("\r", 1)[-1])
        if shown.strip() and not ("%|" in shown and shown in lines):
            lines.append(shown)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
