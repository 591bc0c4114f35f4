"""What every benchmark needs of a run: a silent command, jobs side by side, tables that grow and are whole."""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import pandas as pd
from joblib import Memory, Parallel, delayed

J = TypeVar("J", bound=Hashable)
R = TypeVar("R")
FLAGS: dict[str, dict[str, Any]] = {
    "quick": {"action": "store_true", "help": "small sizes; what is committed stays as it is"},
    "keep": {"action": "store_true", "help": "go on where the run before was interrupted"},
    "jobs": {"type": int, "default": 1, "help": "how many to run side by side, one thread each"},
}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MEMORY = Memory(Path(tempfile.gettempdir()) / "scgce-benchmarks", verbose=0)
"""What several jobs of a run need, made by the first."""


def quiet() -> None:
    """No warnings, and of scgce's messages errors only."""
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)


def command(text: str | None, *flags: str) -> argparse.ArgumentParser:
    """The command line of a benchmark, which runs quietly."""
    quiet()
    parser = argparse.ArgumentParser(description=(text or "").partition("\n")[0])
    for flag in flags:
        parser.add_argument(f"--{flag}", **FLAGS[flag])
    return parser


def whole(file: Path, make: Callable[[Path], Any]) -> None:
    """A file that is there as a whole or not at all, also where two processes make the same."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{os.getpid()}-{file.name}")
    make(partial)
    partial.replace(file)


def write(table: pd.DataFrame, file: Path, form: str = "") -> None:
    """A table as CSV, numbers in a format like ``.2f``."""
    options = {"index": False, "float_format": f"%{form}" if form else None, "lineterminator": "\n"}
    whole(file, lambda partial: table.to_csv(partial, **options))


def publish(table: pd.DataFrame, file: Path, form: str = "") -> None:
    """Write a table and print it in the same format."""
    write(table, file, form)
    print(table.to_string(index=False, float_format=f"{{:{form}}}".format if form else None), flush=True)


def with_errors(groups: Any) -> pd.DataFrame:
    """Mean and standard error of the columns of grouped rows as text, and how many rows."""
    mean, error = groups.mean(), groups.sem()
    text = mean.map("{:.2f}".format) + " ± " + error.map("{:.2f}".format)
    return text.assign(runs=groups.size())


def side_by_side(work: Callable[[J], R], todo: Sequence[J], most: int) -> Iterator[tuple[J, R | None]]:
    """Every job with what it found, as it ends, or None if it failed.

    Every job is a process of its own with one thread, forked from one that has imported everything and run nothing, so
    that its memory can be measured, and that a job that dies takes no other along.
    """
    get_context("forkserver").set_forkserver_preload([getattr(work, "func", work).__module__])  # a partial's function
    with patch.dict(os.environ, dict.fromkeys(ONE_THREAD, "1")):
        threads = Parallel(most, backend="threading", return_as="generator_unordered")  # which wait for processes
        yield from threads(delayed(_alone)(work, job) for job in todo)


def _alone(work: Callable[[J], R], job: J) -> tuple[J, R | None]:
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("forkserver"), initializer=quiet) as process:
            return job, process.submit(work, job).result()
    except Exception:  # noqa: BLE001 (whatever it was: the other jobs go on)
        traceback.print_exc()
        return job, None


def grown(
    work: Callable[[Any], pd.DataFrame],
    jobs: Sequence[NamedTuple],
    file: Path,
    *,
    most: int = 1,
    keep: bool = False,
    form: str = ".4f",
) -> pd.DataFrame:
    """The rows of all jobs, in a file that grows with every job that ends, and returned.

    The fields of a job are columns of its rows. Rows of jobs that are not asked for stay as they are, with ``keep`` all
    that are there. A job that fails takes its own rows along, and ends the run once the others are through.
    """
    names = {job: tuple(map(str, job)) for job in jobs}
    columns = list(jobs[0]._fields)
    before = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=columns)
    held: dict[Any, pd.DataFrame] = dict(iter(before.groupby([before[c].astype(str) for c in columns], sort=False)))
    order = dict.fromkeys([*held, *names.values()])
    todo = [job for job in jobs if not (keep and names[job] in held)]
    for job in todo:
        held.pop(names[job], None)
    failed = []
    for count, (job, found) in enumerate(side_by_side(work, todo, most), 1):
        if found is None:
            failed.append(" ".join(names[job]))
            continue
        held[names[job]] = found.assign(**job._asdict())
        write(pd.concat([held[name] for name in order if name in held]), file, form)
        print(f"[{count}/{len(todo)}] {' '.join(names[job])}", flush=True)
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")
    return pd.concat([held[name] for name in order if name in held], ignore_index=True)
