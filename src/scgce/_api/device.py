"""Which device computes."""

from __future__ import annotations

import torch


def resolve_device(device: str) -> torch.device:
    """Turn a device's name into a device that is there.

    Parameters
    ----------
    device
        ``"auto"`` (CUDA if there is one, else MPS, else the CPU) or a torch device name like ``"cuda:1"``.

    Raises
    ------
    ValueError
        If the name is not one of torch's, or the device is not there.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device={device!r} is not a device; accepted: 'auto', 'cpu', 'cuda', 'cuda:0', 'mps'"
        ) from error
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (found.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(found.type, False):
        here = ", ".join(name for name, available in {**there, "cuda": torch.cuda.is_available()}.items() if available)
        raise ValueError(f"device={device!r} is not available on this machine; found: {here} (or 'auto')")
    return found
