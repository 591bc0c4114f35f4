"""A device that refuses what a GPU refuses, on a machine without one.

Tensors on it hold their numbers on the CPU. An operation that mixes them with tensors of the CPU raises, as on a GPU;
so do ``numpy()`` and ``np.asarray``. The rest computes as the CPU does, so results are the CPU's to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from scgce.matrix import arrays

CPU, DEVICE = torch.device("cpu"), torch.device("cuda", 0)
INTO_ITS_OWN = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""A GPU takes indices that lie on the CPU."""


class There(torch.Tensor):
    """A tensor on the pretended device; torch itself is told that it lies on the CPU."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> There:
        like = {"dtype": here.dtype, "layout": here.layout, "device": CPU, "requires_grad": False}
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, here.size(), strides=here.stride(), storage_offset=here.storage_offset(), **like
        )
        made.here = here
        return made  # type: ignore[no-any-return]

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return DEVICE

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    def __repr__(self, **_: Any) -> str:
        return f"There({self.here!r})"

    def _refused(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    numpy = __array__ = _refused

    def tolist(self) -> Any:
        return self.here.tolist()

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(op, args, kwargs or {})


def run(op: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """One operation of torch."""
    tensors: list[torch.Tensor] = []
    args_here, kwargs_here = _mapped(args, tensors), {name: _mapped(one, tensors) for name, one in kwargs.items()}
    there = any(isinstance(one, There) for one in tensors)
    name = op.name().partition("::")[2].partition(".")[0]
    if there and name not in {"_to_copy", "copy_"}:
        mixed = [one for one in tensors if not isinstance(one, There) and one.dim() > 0]
        if name in INTO_ITS_OWN and isinstance(tensors[0], There):
            mixed = [one for one in mixed if one.dtype not in (torch.int64, torch.bool)]
        if mixed:
            raise RuntimeError(f"{op.name()}: expected all tensors to be on the same device, found cuda:0 and cpu")
    stays = there
    where = kwargs.get("device")
    if where is not None:
        kwargs_here["device"] = CPU
        if not (there and (name.startswith("new_") or name.endswith("_like"))):
            stays = torch.device(where).type == "cuda"
    out = op(*args_here, **kwargs_here)
    if name.endswith("_") and args and out is args_here[0]:
        return args[0]
    return _sent(out) if stays else out


def _mapped(value: Any, tensors: list[torch.Tensor]) -> Any:
    """A value with what lies there replaced by its numbers; its tensors are added to the list."""
    if isinstance(value, torch.Tensor):
        tensors.append(value)
        return value.here if isinstance(value, There) else value
    if isinstance(value, (list, tuple)):
        return type(value)([_mapped(one, tensors) for one in value])
    return value


def _sent(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return There(value)
    if isinstance(value, (list, tuple)):
        return type(value)([_sent(one) for one in value])
    return value


class _Made(TorchDispatchMode):
    """Sends what is made for the device there."""

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(op, args, kwargs or {})


class _Moved(TorchFunctionMode):
    """Moves between the two, which torch would take for one, and gives ``"cuda"`` its number."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args = [_numbered(one) for one in args]
        kwargs = {name: _numbered(one) for name, one in (kwargs or {}).items()}
        if function is torch.Tensor.cpu:
            return _copied(args[0], CPU, None)
        if function is torch.Tensor.to:
            return _to(*args, **kwargs)
        if function in (torch.tensor, torch.as_tensor, torch.asarray) and kwargs.get("device") is not None:
            return _copied(function(*args, **{**kwargs, "device": None}), torch.device(kwargs["device"]), None)
        return function(*args, **kwargs)


def _numbered(one: Any) -> Any:
    return DEVICE if isinstance(one, (str, torch.device)) and str(one) == "cuda" else one


def _to(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    for one in args:
        if isinstance(one, torch.Tensor):
            device, dtype = one.device, one.dtype
        elif isinstance(one, torch.dtype):
            dtype = one
        elif isinstance(one, (str, torch.device)):
            device = one
    return _copied(tensor, tensor.device if device is None else torch.device(device), dtype)


def _copied(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype | None) -> torch.Tensor:
    if device.type == tensor.device.type and dtype in (None, tensor.dtype):
        return tensor
    dtype = tensor.dtype if dtype is None else dtype
    return torch.ops.aten._to_copy.default(tensor, dtype=dtype, device=device)  # type: ignore[no-any-return]


@contextmanager
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block there is a CUDA device."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)  # torch calls it before it makes a tensor there
    monkeypatch.setattr(arrays, "_on_gpu", lambda device: False)  # streams and pinned memory are a driver's
    monkeypatch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
    with _Made(), _Moved():
        yield
