"""The real Snakemake, in a folder with a configuration, and a `scgce` on its PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"

# Kills itself once, half-way, for one sample: what a cluster does to a job that takes too much memory.
COMMAND = """#!/bin/sh
case "$*" in
*"$KILL"*) if [ -n "$KILL" ] && rm "$TOKEN" 2>/dev/null; then kill -9 $$; fi ;;
esac
exec "{python}" -m scgce "$@"
"""


class Project:
    """A folder in which the workflow runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "config").mkdir()
        (folder / "bin").mkdir()
        command = folder / "bin" / "scgce"
        command.write_text(COMMAND.format(python=sys.executable))
        command.chmod(0o755)

    def configure(self, rows: Iterable[dict[str, str]], **settings: Any) -> None:
        """Write the sample sheet and the configuration."""
        rows = list(rows)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        lines = [columns, *([row.get(name, "") for name in columns] for row in rows)]
        sheet = "\n".join("\t".join(line) for line in lines) + "\n"
        (self.folder / "config" / "samples.tsv").write_text(sheet)
        settings = {"samples": "config/samples.tsv"} | settings
        (self.folder / "config" / "config.yaml").write_text(yaml.safe_dump(settings))

    def snakemake(self, *arguments: str, kill: str = "", snakefile: Path = WORKFLOW / "Snakefile") -> Any:
        """Run Snakemake; ``kill`` is what the command that dies once has among its arguments."""
        token = self.folder / "token"
        if kill:
            token.touch()
        environment = os.environ | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "OMP_NUM_THREADS": "1",
            "KILL": kill,
            "TOKEN": str(token),
        }
        line = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--nocolor", *arguments]
        return subprocess.run(
            line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=900, check=False
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    pytest.importorskip("snakemake")
    return Project(tmp_path)


@pytest.fixture(scope="module")
def big_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    pytest.importorskip("snakemake")
    return Project(tmp_path_factory.mktemp("workflow"))


@pytest.fixture
def module_project(project: Project) -> Callable[[str], Any]:
    """A workflow of the user's own that takes this one as a module."""

    def run(text: str, *arguments: str) -> Any:
        own = project.folder / "Snakefile"
        own.write_text(text)
        return project.snakemake("--dry-run", "--cores", "1", *arguments, snakefile=own)

    return run


@pytest.fixture(scope="session")
def bash() -> str:
    found = shutil.which("bash")
    if found is None:
        pytest.skip("Snakemake's shell commands need bash")
    return found
