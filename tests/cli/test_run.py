from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scgce.cli import _app, _run
from scgce.cli._errors import (
    EXIT_CODES,
    FAILED,
    INTERRUPTED,
    OK,
    TERMINATED,
    UNREADABLE,
    UNWRITABLE,
    USAGE,
    ReadError,
    Terminated,
)

from .conftest import ENVIRONMENT, Start

COMMANDS = (
    "demo", "tgt", "embed", "evaluate", "evidence", "export", "panel", "report", "rank-genes", "simulate", "stability"
)  # fmt: skip


def test_help_names_every_command_and_every_exit_code(call: Callable) -> None:
    done = call("--help")
    text = " ".join(done.out.split())
    assert done.code == OK
    for name in COMMANDS:
        assert f"\n  {name} " in done.out
    for code in EXIT_CODES:
        assert f"{code} {EXIT_CODES[code].split()[0]}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_options(call: Callable, name: str) -> None:
    done = call(name, "--help")
    assert done.code == OK
    for option in ("--config", "--threads", "--quiet", "--debug", "--output"):
        assert option in done.out


def test_help_needs_no_heavy_package() -> None:
    code = (
        "import sys; from scgce.cli._run import run; run(['tgt', '--help']);"
        "print(sorted({'torch', 'scanpy', 'anndata', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(call: Callable) -> None:
    from scgce import __version__

    assert call("--version").out.strip() == __version__


def test_no_command_shows_the_help(call: Callable) -> None:
    done = call()
    assert done.code == USAGE
    assert "Commands" in done.out + done.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("tgd",), "No such command 'tgd'"),
        (("tgt", "--output", "b.h5ad"), "--input"),
        (("simulate", "-o", "b.h5ad", "--n-cells", "many"), "--n-cells"),
        (("simulate", "-o", "b.h5ad", "--seed", "-1"), "--seed"),
        (("simulate", "-o", "b.h5ad", "--threads", "0"), "--threads"),
        (("tgt", "-i", "a.h5ad", "-o", "b.h5ad", "-g", "x", "--sparsity", "few"), "sparsity='few'"),
        (("tgt", "-i", "a.h5ad", "-o", "b.h5ad", "-g", "x", "--amplitude", "big"), "amplitude='big'"),
        (("tgt", "-i", "a.h5ad", "-o", "b.h5ad", "-g", "x", "--epsilon", "median"), "epsilon='median'"),
        (
            ("tgt", "-i", "a.h5ad", "-o", "b.h5ad", "-g", "x", "--groups", "a,,b"),
            "groups='a,,b': expected names between commas, found none",
        ),
        (("tgt", "-i", "a.h5ad", "-o", "b.csv", "-g", "x"), "output='b.csv'"),
    ],
)
def test_bad_arguments_are_one_line(call: Callable, arguments: tuple[str, ...], said: str) -> None:
    done = call(*arguments)
    assert done.code == USAGE
    assert done.out == ""
    assert re.fullmatch(r"scgce: error: [^\n]+\n", done.err)
    assert said in done.err


def test_names_that_are_not_in_the_file_are_one_line(call: Callable, cells_file: Path, tmp_path: Path) -> None:
    done = call("tgt", "-i", cells_file, "-o", tmp_path / "out.h5ad", "-g", "grup", "-r", "X_pca")
    assert done.code == USAGE
    assert done.err.count("\n") == 1
    assert "groupby='grup' not in adata.obs; found: group; did you mean 'group'?" in done.err
    assert not (tmp_path / "out.h5ad").exists()


def test_unreadable_and_unwritable(call: Callable, cells_file: Path, tmp_path: Path) -> None:
    options = ("-g", "group", "-r", "X_pca")
    assert call("tgt", "-i", tmp_path / "none.h5ad", "-o", tmp_path / "out.h5ad", *options).code == UNREADABLE
    assert call("tgt", "-i", cells_file, "-o", cells_file, *options).code == UNWRITABLE
    assert call("tgt", "-i", cells_file, "-o", tmp_path / "no" / "out.h5ad", *options).code == UNWRITABLE


@pytest.mark.parametrize(
    "error, code",
    [
        (KeyError("k"), USAGE),
        (ValueError("v"), USAGE),
        (ReadError("r"), UNREADABLE),
        (OSError("o"), UNWRITABLE),
        (MemoryError(), FAILED),
        (RuntimeError("bug"), FAILED),
        (KeyboardInterrupt(), INTERRUPTED),
        (Terminated(), TERMINATED),
        (BrokenPipeError(), OK),
    ],
)
def test_every_error_has_its_code(
    monkeypatch: pytest.MonkeyPatch, call: Callable, error: BaseException, code: int
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(_app, "app", fail)
    monkeypatch.setattr(_run.os, "dup2", lambda *_: None)
    done = call("tgt")
    assert done.code == code
    assert "Traceback" not in done.err


def test_traceback_only_with_debug(call: Callable, tmp_path: Path) -> None:
    arguments = ("report", "-i", tmp_path / "none.h5ad", "-o", tmp_path / "page.html")
    assert "Traceback" not in call(*arguments).err
    debugged = call(*arguments, "--debug")
    assert debugged.code == UNREADABLE
    assert "Traceback" in debugged.err


def test_stdout_closed_early_is_no_error(shell: Callable, explained_file: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)  # what reads has ended, as `head` does
    with open(writes, "w") as stdout:
        done = shell("export", "-i", explained_file, "-o", "-", "-t", "explanations", stdout=stdout)
    assert done.code == OK
    assert done.err == ""


# A command that stops within the write, when the temporary file is there.
SLOW = """
import time, anndata.io
write = anndata.io.write_elem
def slow(file, name, *a, **k):
    write(file, name, *a, **k)
    if name == "/":
        print("writing", flush=True); time.sleep(60)
anndata.io.write_elem = slow
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_half_way(start: Start, explained_file: Path, tmp_path: Path, number: signal.Signals) -> None:
    output, before = tmp_path / "out.h5ad", explained_file.read_bytes()
    reads, writes = os.pipe()
    with open(writes, "w") as stdout:
        process = start("rank-genes", "-i", explained_file, "-o", output, stdout=stdout, stderr=stdout, first=SLOW)
    with open(reads) as out:
        assert out.readline() == "writing\n"
        time.sleep(0.1)
        os.kill(process.pid, number)
        code = process.wait()
    assert code == (TERMINATED if number == signal.SIGTERM else -number)
    assert not output.exists()
    assert explained_file.read_bytes() == before
    left = [entry.name for entry in tmp_path.iterdir() if entry != explained_file]
    assert all(name.startswith(".out.h5ad.") for name in left)
    assert len(left) == (0 if number == signal.SIGTERM else 1)  # nobody can tidy up after SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_full_disk_is_one_line(shell: Callable, cells_file: Path, tmp_path: Path) -> None:
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    )
    output = tmp_path / "out.h5ad"
    done = shell("rank-genes", "-i", _bigger(cells_file), "-o", output, first=limit)
    assert done.code == UNWRITABLE, done.err
    assert done.err.count("\n") == 1
    assert "cannot be written: File too large" in done.err
    assert not output.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("cannot mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["out.h5ad", "out.zarr"])
def test_no_space_left_is_one_line(small_disk: Path, shell: Callable, name: str) -> None:
    options = ("--n-cells", 1000, "--n-genes", 300, "--quiet")  # a busy machine would say how long it took
    done = shell("simulate", "-o", small_disk / name, *options)  # HDF5 would crash here
    assert done.code == UNWRITABLE, done.err
    assert done.err.count("\n") == 1
    assert done.err.endswith("cannot be written: No space left on device\n")
    assert list(small_disk.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_standard_output_is_one_line(shell: Callable, explained_file: Path) -> None:
    with open("/dev/full", "w") as full:
        done = shell("export", "-i", explained_file, "-o", "-", "-t", "metrics", stdout=full)
    assert done.code == UNWRITABLE
    assert done.err == "scgce: error: [Errno 28] No space left on device\n"


def _bigger(path: Path) -> Path:
    from tests._results import blobs, store_result

    store_result(blobs(4, 200, cells=100)).write_h5ad(path)
    return path
