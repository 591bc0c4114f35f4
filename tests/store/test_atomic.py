from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from scgce.store.atomic import replacing


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_appears_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
    assert path.read_text() == "new"
    assert _names(tmp_path) == ["page.html"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "store.zarr"
    (path / "old").mkdir(parents=True)
    with replacing(path) as temporary:
        (temporary / "new").mkdir(parents=True)
        assert _names(path) == ["old"]
    assert _names(path) == ["new"]
    assert _names(tmp_path) == ["store.zarr"]


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("bug"), KeyboardInterrupt()])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_nothing_is_left_of_a_failure(tmp_path: Path, error: BaseException, kind: str) -> None:
    path = tmp_path / "out"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half") if kind == "file" else temporary.mkdir()
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["out"]


def test_nothing_is_left_of_a_writer_that_goes_on_after_the_error(tmp_path: Path) -> None:
    stop, threads = threading.Event(), []

    def go_on(folder: Path) -> None:
        for number in range(40):
            (folder / "chunks").mkdir(parents=True, exist_ok=True)
            (folder / "chunks" / str(number)).write_text("late")
            time.sleep(0.01)
        stop.set()

    def careless(folder: Path) -> None:
        while not stop.is_set():
            with suppress(OSError):  # what it writes to was removed under its hands
                go_on(folder)

    def fail() -> None:
        with replacing(tmp_path / "out.zarr") as temporary:
            temporary.mkdir()
            threads.append(threading.Thread(target=careless, args=(temporary,)))
            threads[0].start()
            time.sleep(0.05)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    threads[0].join()
    assert _names(tmp_path) == []


def test_a_folder_that_is_written_to_for_ever_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scgce.store.atomic.PATIENCE", 0.1)
    monkeypatch.setattr("scgce.store.atomic._remove", lambda path: None)

    def fail() -> None:
        with replacing(tmp_path / "out.zarr") as temporary:
            temporary.mkdir()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert len(_names(tmp_path)) == 1


def test_the_old_folder_comes_back_if_the_move_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.zarr"
    (path / "old").mkdir(parents=True)
    move = os.replace

    def refuse(source: Path, target: Path) -> None:
        if str(target) == str(path) and ".old" not in str(source):
            raise PermissionError("refused")
        move(source, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError, match="refused"), replacing(path) as temporary:
        temporary.mkdir()
    assert _names(path) == ["old"]
    assert _names(tmp_path) == ["store.zarr"]


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert path.read_text() == "1"  # the outer one ends last
