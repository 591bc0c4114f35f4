"""The stacks that scgce supports: ``make test-matrix``, or ``nox -s newest-3.13`` for one of them.

Each runs the tests of behaviour without those of the command line, the workflow, the figures and the documents,
which depend on the tested versions.
"""

from __future__ import annotations

from collections.abc import Callable

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True

# Without extras, but with the tests' own tools: cvxpy is the solver that ours is compared with.
EVERYTHING, NO_EXTRAS = ("--group=test",), ("pytest>=8.3", "hypothesis>=6.100", "cvxpy>=1.5")

# Name → Python, what is installed beside scgce.
STACKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tested": ("3.11", ("-c", "constraints.txt", *EVERYTHING)),
    "newest-3.12": ("3.12", EVERYTHING),
    "newest-3.13": ("3.13", EVERYTHING),
    "lowest": ("3.11", ("-c", "constraints-lowest.txt", "zarr", *EVERYTHING)),
    "no-extras": ("3.11", ("-c", "constraints.txt", *NO_EXTRAS)),
}


PATHS = ("tests/contract", "tests/tl", "tests/get", "tests/encoders", "tests/core", "tests/report/test_page.py")
# Old packages warn about one another, and of an AnnData without cells or genes.
OLD = ("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:Transforming to str index")


def _session(name: str, python: str, packages: tuple[str, ...]) -> Callable[[nox.Session], None]:
    def run(session: nox.Session) -> None:
        session.install("pip>=25.1")
        session.install(*packages, "-e", ".")
        silenced = [word for warning in (OLD if name == "lowest" else ()) for word in ("-W", warning)]
        chosen = ["-q", "-m", "not long and not slow", *PATHS, *silenced, *session.posargs]
        session.run("python", "-m", "pytest", *chosen, env={"OMP_NUM_THREADS": "1"})

    return nox.session(run, name=name, python=python)  # type: ignore[no-any-return]


for _name, (_python, _packages) in STACKS.items():
    globals()[f"session_{_name}"] = _session(_name, _python, _packages)
