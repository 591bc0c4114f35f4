from __future__ import annotations

import pytest
import torch

from scgce._api.device import resolve_device


def _pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: int, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(0, False, "cpu"), (0, True, "mps"), (1, False, "cuda"), (2, True, "cuda")]
)
def test_auto(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, expected: str) -> None:
    _pretend(monkeypatch, cuda=cuda, mps=mps)
    assert resolve_device("auto") == torch.device(expected)


def test_named_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, cuda=2, mps=True)
    for name in ("cpu", "mps", "cuda", "cuda:1"):
        assert resolve_device(name) == torch.device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", 3.5])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ValueError, match="is not a device; accepted: 'auto', 'cpu', 'cuda'"):
        resolve_device(name)


@pytest.mark.parametrize(("name", "found"), [("cuda", "cpu"), ("mps", "cpu"), ("meta", "cpu")])
def test_absent_devices(monkeypatch: pytest.MonkeyPatch, name: str, found: str) -> None:
    _pretend(monkeypatch, cuda=0, mps=False)
    with pytest.raises(ValueError, match=f"device='{name}' is not available on this machine; found: {found}"):
        resolve_device(name)


def test_number_beyond_the_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, cuda=1, mps=False)
    with pytest.raises(ValueError, match="'cuda:1' is not available on this machine; found: cpu, cuda"):
        resolve_device("cuda:1")
