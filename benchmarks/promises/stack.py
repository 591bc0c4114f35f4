"""Run the tests on the packages at hand and note versions and counts: ``python -m benchmarks.promises.stack NAME``."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("anndata", "dask", "matplotlib", "numpy", "numba", "pandas", "scanpy", "scikit-learn", "scipy", "torch")
PATHS = ("tests/contract", "tests/tl", "tests/get", "tests/encoders", "tests/core", "tests/report/test_page.py")
CHOSEN = "not long and not slow"
# Of old packages about one another, and of an AnnData without cells or genes.
OLD = ("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:Transforming to str index")


def versions() -> dict[str, str]:
    """Of Python and of the packages that are there."""
    there = {str(found.metadata["Name"]).lower() for found in metadata.distributions()}
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES if name in there}


def main(name: str, *options: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", CHOSEN, *PATHS, *options]
    for silenced in OLD if name == "lowest" else ():
        command += ["-W", silenced]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    print(ran.stdout[-3000:], ran.stderr[-1000:])
    last = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ""
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", last)}
    entry = {"stack": name, "versions": versions(), "counts": counts}
    if ran.returncode in (0, 1):
        (RESULTS / f"stack-{name}.json").write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
