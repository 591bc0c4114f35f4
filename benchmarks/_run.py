"""What every benchmark needs of a run: a silent command, jobs side by side, tables that grow and are whole."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import tempfile
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import pandas as pd

J = TypeVar("J", bound=Hashable)
R = TypeVar("R")
FLAGS: dict[str, dict[str, Any]] = {
    "quick": {"action": "store_true", "help": "small sizes; what is committed stays as it is"},
    "keep": {"action": "store_true", "help": "go on where the run before was interrupted"},
    "jobs": {"type": int, "default": 1, "help": "how many to run side by side, one thread each"},
}
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


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

    Every job is a process of its own with one thread, forked from one that has imported everything and run nothing, in
    which no thread waits; a job that dies takes no other along.
    """
    context, waiting = multiprocessing.get_context("forkserver"), list(todo)
    context.set_forkserver_preload([getattr(work, "func", work).__module__])  # of a partial its function's
    running: dict[Any, tuple[J, multiprocessing.process.BaseProcess, Path]] = {}
    with patch.dict(os.environ, dict.fromkeys(ONE_THREAD, "1")), tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job, file = waiting.pop(0), Path(folder) / f"{len(waiting)}.pkl"
                    process = context.Process(target=_keep, args=(work, job, file))
                    process.start()
                    running[process.sentinel] = job, process, file
                for sentinel in wait(list(running)):
                    job, process, file = running.pop(sentinel)
                    process.join()
                    yield job, pd.read_pickle(file) if process.exitcode == 0 else None
        finally:
            for _, process, _ in running.values():
                process.terminate()
                process.join()


def in_order(work: Callable[[J], R], todo: Sequence[J], most: int = 1) -> list[R]:
    """What every job found, in the order of the jobs; all have to succeed."""
    found: dict[J, R] = {}
    for job, value in side_by_side(work, todo, most):
        if value is None:
            raise SystemExit(f"failed: {job}")
        found[job] = value
    return [found[job] for job in todo]


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


def _keep(work: Callable[[J], R], job: J, file: Path) -> None:
    quiet()
    pd.to_pickle(work(job), file)
