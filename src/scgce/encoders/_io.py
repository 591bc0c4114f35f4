"""Encoders as plain arrays, strings and numbers: in ``uns`` of an AnnData, or in a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ._base import Encoder, Kind
from ._layers import describe, flat_layers, is_known, rebuild

FORMAT = 1
_KINDS: dict[str, Kind] = {"linear": "linear", "mlp": "mlp"}


def encoder_to_uns(encoder: Encoder) -> dict[str, Any]:
    """Describe an encoder by values that h5ad and zarr can hold.

    Parameters
    ----------
    encoder
        Any encoder.

    Returns
    -------
    ``format``, ``stored``, ``name``, ``kind``, ``n_dims``, ``genes`` (d,) and ``fidelity``; if the encoder can be
    stored (a leading linear map and known layers) also ``W`` (d, h), ``b`` (h,), ``layers`` (one line each) and
    ``weights`` (arrays named ``<layer>.<parameter>``).
    """
    layers = flat_layers(encoder.tail)
    stored = encoder.W is not None and encoder.b is not None and all(is_known(layer) for layer in layers)
    entry: dict[str, Any] = {
        "format": FORMAT,
        "stored": stored,
        "name": encoder.name,
        "kind": encoder.kind,
        "n_dims": encoder.n_dims,
        "genes": encoder.genes.astype(object),
        "fidelity": {name: float(value) for name, value in encoder.fidelity.items()},
    }
    if not stored or encoder.W is None or encoder.b is None:
        return entry
    lines: list[str] = []
    weights: dict[str, np.ndarray] = {}
    for i, layer in enumerate(layers):
        line, arrays = describe(layer)
        lines.append(line)
        weights.update({f"{i}.{name}": values for name, values in arrays.items()})
    entry["kind"] = "mlp" if lines else "linear"
    entry |= {"W": encoder.W.numpy().copy(), "b": encoder.b.numpy().copy()}
    entry |= {"layers": np.array(lines, dtype=object), "weights": weights}
    return entry


def encoder_from_uns(stored: Any) -> Encoder:
    """Rebuild the encoder that :func:`encoder_to_uns` described.

    Raises
    ------
    ValueError
        If the entry was truncated or edited, or says that the encoder could not be stored.
    """
    if not isinstance(stored, Mapping):
        raise ValueError(f"a stored encoder is a dict, got {type(stored).__name__}")
    version = _number(stored, "format")
    if version != FORMAT:
        raise ValueError(f"stored encoder: format {version:g} is unknown, this version of scgce reads {FORMAT}")
    name = str(stored.get("name", ""))
    if not isinstance(stored.get("stored"), bool | np.bool_):
        raise ValueError(f"stored encoder: stored={stored.get('stored')!r}, expected True or False")
    if not stored["stored"]:
        raise ValueError(
            f"the encoder ({name or 'unnamed'}) could not be stored as arrays; give it again with encoder="
        )
    kind = _KINDS.get(str(stored.get("kind")))
    if kind is None:
        raise ValueError(f"stored encoder: kind={stored.get('kind')!r}, expected one of {', '.join(_KINDS)}")
    genes = _field(stored, "genes")
    layers = _field(stored, "layers")
    if np.ndim(layers) != 1:
        raise ValueError(f"stored encoder: layers={layers!r}, expected one line for each layer")
    tail = _tail(list(layers), _field(stored, "weights"))
    fidelity = stored.get("fidelity", {})
    if not isinstance(fidelity, Mapping):
        raise ValueError(f"stored encoder: fidelity={fidelity!r}, expected a dict of numbers")
    fidelity = {str(key): _number(fidelity, key) for key in fidelity}
    W, b = (_floats(_field(stored, part), part) for part in ("W", "b"))
    n_dims = int(_number(stored, "n_dims"))
    try:
        encoder = Encoder(kind=kind, genes=genes, W=W, b=b, tail=tail, n_dims=n_dims, fidelity=fidelity, name=name)
        with torch.no_grad():
            width = tail(torch.zeros(1, encoder.n_hidden)).shape[1]
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"stored encoder: its parts do not fit together ({error})") from error
    if width != n_dims:
        raise ValueError(f"stored encoder: its last layer has {width} outputs, n_dims is {n_dims}")
    return encoder


def save_safetensors(encoder: Encoder, path: str | Path) -> None:
    """Write an encoder to a safetensors file.

    Raises
    ------
    ValueError
        If the encoder is made of layers that cannot be written down.
    ImportError
        If safetensors is not installed.
    """
    from safetensors.numpy import save_file

    entry = encoder_to_uns(encoder)
    if not entry["stored"]:
        raise ValueError(f"the encoder ({encoder.name}) has layers that cannot be stored; save your own module instead")
    tensors = {"W": entry.pop("W"), "b": entry.pop("b")} | entry.pop("weights")
    text = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in entry.items()}
    save_file(tensors, str(path), metadata={"scgce_encoder": json.dumps(text)})


def load_safetensors(path: str | Path) -> Encoder:
    """Read the encoder that :func:`save_safetensors` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file was not written by scgce, or is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"encoder file {str(path)!r} does not exist")
    try:
        with safe_open(str(path), framework="numpy") as file:
            text = (file.metadata() or {}).get("scgce_encoder")
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
        entry = None if text is None else json.loads(text)
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{str(path)!r} is not a readable safetensors file: {error}") from error
    if not isinstance(entry, dict):
        raise ValueError(f"{str(path)!r} holds no scgce encoder; expected a file written by save_safetensors")
    first = {name: tensors.pop(name) for name in ("W", "b") if name in tensors}
    return encoder_from_uns(entry | first | {"weights": tensors})


def _field(stored: Mapping[str, Any], name: str) -> Any:
    if name not in stored:
        raise ValueError(f"stored encoder: the field {name!r} is missing")
    return stored[name]


def _number(stored: Mapping[str, Any], name: str) -> float:
    value = _field(stored, name)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"stored encoder: {name}={value!r} is not a number") from error


def _floats(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"stored encoder: {name} holds something else than numbers") from error
    if not np.isfinite(array).all():
        raise ValueError(f"stored encoder: {name} holds NaN or infinite values")
    return array


def _tail(lines: list[Any], weights: Any) -> nn.Module:
    if not isinstance(weights, Mapping):
        raise ValueError(f"stored encoder: 'weights' must be a dict of arrays, got {type(weights).__name__}")
    arrays: list[dict[str, np.ndarray]] = [{} for _ in lines]
    for key, values in weights.items():
        position, _, parameter = str(key).partition(".")
        if not position.isdecimal() or int(position) >= len(lines) or not parameter:
            raise ValueError(f"stored encoder: weights[{key!r}] belongs to none of the {len(lines)} layers")
        arrays[int(position)][parameter] = _floats(values, f"weights[{key!r}]")
    layers = [rebuild(str(line), own) for line, own in zip(lines, arrays, strict=True)]
    return layers[0] if len(layers) == 1 else nn.Sequential(*layers) if layers else nn.Identity()
