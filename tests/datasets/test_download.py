"""fetch: cached, resumed, checked, and clear when offline."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest

from scgce.datasets._download import Resumable, fetch

CONTENT = bytes(range(256)) * 4000


def test_downloads_once_and_then_reads_the_cache(server: Any, tmp_path: Path) -> None:
    server.files["a.txt"] = CONTENT
    for _ in range(2):
        path = fetch(server.url("a.txt"), "a.txt", tmp_path)
        assert path == tmp_path / "a.txt"
        assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_broken_connection_is_taken_up_again(server: Any, tmp_path: Path) -> None:
    server.files["a.txt"], server.break_after, server.breaks_left = CONTENT, 300_000, 2
    assert fetch(server.url("a.txt"), "a.txt", tmp_path).read_bytes() == CONTENT
    assert [asked[1] for asked in server.asked] == [None, "bytes=300000-", "bytes=600000-"]


def test_what_has_arrived_is_kept_for_the_next_call(server: Any, tmp_path: Path) -> None:
    server.files["a.txt"], server.break_after, server.breaks_left = CONTENT, 1000, 100
    with pytest.raises(ConnectionError, match="a partial download is continued"):
        fetch(server.url("a.txt"), "a.txt", tmp_path)
    kept = (tmp_path / "a.txt.part").stat().st_size
    assert kept == 4000
    server.breaks_left, server.asked = 0, []
    assert fetch(server.url("a.txt"), "a.txt", tmp_path).read_bytes() == CONTENT
    assert server.asked == [("/a.txt", "bytes=4000-")]


def test_a_server_without_ranges_starts_over(server: Any, tmp_path: Path) -> None:
    server.files["a.txt"], server.ignore_ranges = CONTENT, True
    (tmp_path / "a.txt.part").write_bytes(b"left over from something else")
    assert fetch(server.url("a.txt"), "a.txt", tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(server: Any, tmp_path: Path) -> None:
    server.files["a.txt"] = CONTENT
    (tmp_path / "a.txt.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url("a.txt"), "a.txt", tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_checksum(server: Any, tmp_path: Path) -> None:
    server.files["a.txt"] = CONTENT
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert fetch(server.url("a.txt"), "a.txt", tmp_path / "good", f"sha256:{digest}").exists()
    with pytest.raises(ValueError, match="hash"):
        fetch(server.url("a.txt"), "a.txt", tmp_path / "bad", "sha256:" + "0" * 64)
    assert not (tmp_path / "bad" / "a.txt").exists()


def test_offline_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.txt"
        with pytest.raises(ConnectionError) as caught:
            fetch(url, "a.txt", tmp_path)
    assert url in str(caught.value)
    assert f"put the file at {tmp_path / 'a.txt'}" in str(caught.value)


def test_a_missing_file_is_asked_for_once(server: Any, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="Not Found"):
        fetch(server.url("none.txt"), "none.txt", tmp_path)
    assert len(server.asked) == 1


def test_the_cache_can_be_set_by_the_environment(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files["a.txt"] = b"text"
    monkeypatch.setenv("SCGCE_DATA_DIR", str(tmp_path / "elsewhere"))
    assert fetch(server.url("a.txt"), "a.txt") == tmp_path / "elsewhere" / "a.txt"


def test_check_only(server: Any, tmp_path: Path) -> None:
    assert Resumable(tmp_path / "x.part")(server.url("a.txt"), "", None, check_only=True) is True
