"""The real Snakemake, in a folder with a configuration, and a `scgce` on its PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import yaml
from tests._server import Server

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

    def __init__(self, folder: Path, server: Server | None = None) -> None:
        self.folder, self.server = folder, server
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
        line = ["--snakefile", str(snakefile), "--nocolor", *arguments]
        if self.server is not None:
            return self._forked(line, environment)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *line],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip

    def _forked(self, line: list[str], environment: dict[str, str]) -> Any:
        assert self.server is not None
        there = f"import os; os.chdir({str(self.folder)!r}); os.environ.update({environment!r})"
        with TemporaryFile("w+") as out, TemporaryFile("w+") as err, open(os.devnull) as nothing:
            code = self.server.start(tuple(line), (nothing, out, err), there).wait()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(line, code, out.read(), err.read())


@pytest.fixture(scope="session")
def server() -> Iterator[Server | None]:
    """Snakemake, imported once; None where it has to be each time."""
    pytest.importorskip("snakemake")
    if sys.platform != "linux":
        yield None
        return
    server = Server(
        "snakemake.cli:main", "snakemake.workflow", "jsonschema", "pandas", "smart_open", environment=dict(os.environ)
    )
    yield server
    server.close()


@pytest.fixture
def project(tmp_path: Path, server: Server | None) -> Project:
    return Project(tmp_path, server)


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
