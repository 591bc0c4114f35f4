"""Options from a YAML or TOML file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._errors import ReadError, UsageError
from ._values import joined

COMMANDS = (
    "demo",
    "embed",
    "evaluate",
    "evidence",
    "export",
    "panel",
    "plot",
    "programs",
    "rank-genes",
    "report",
    "simulate",
    "stability",
    "tgt",
)


def read_config(path: Path, command: str, names: set[str]) -> dict[str, Any]:
    """
    Read default values of a command's options.

    Options stand at the top, for every command that knows them, or in a section with the command's name.

    Parameters
    ----------
    path
        File ending in .yaml, .yml or .toml.
    command
        Name of the command.
    names
        Its parameters.

    Returns
    -------
    Text or flag by parameter, as the command line would give it.

    Raises
    ------
    ReadError
        If the file cannot be read or is not valid.
    UsageError
        If a section names an option that the command does not have.
    """
    content = _parse(path)
    general = {key: value for key, value in content.items() if key not in COMMANDS}
    section = content.get(command, {})
    if not isinstance(section, Mapping):
        raise UsageError(f"config={str(path)!r}: section {command!r} is {section!r}; expected options by name")
    chosen = {_parameter(key): value for key, value in general.items() if _parameter(key) in names}
    for key, value in section.items():
        if _parameter(key) not in names:
            near = difflib.get_close_matches(_parameter(key), names, n=1)
            meant = f"; did you mean {near[0].replace('_', '-')!r}?" if near else ""
            raise UsageError(f"config={str(path)!r}: scgce {command} has no option {str(key)!r}{meant}")
        chosen[_parameter(key)] = value
    return {name: _text(value, name, path) for name, value in chosen.items() if value is not None}


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"cannot read config={str(path)!r}: {error}") from error
    if path.suffix == ".toml":
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ReadError(f"config={str(path)!r} is not valid TOML: {error}") from error
    if path.suffix not in {".yaml", ".yml"}:
        raise UsageError(f"config={str(path)!r}: expected a name ending in .yaml, .yml or .toml")
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ReadError(f"config={str(path)!r} is not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"config={str(path)!r} holds a {type(content).__name__}; expected options by name")
    return content


def _parameter(key: object) -> str:
    return str(key).replace("-", "_")


def _text(value: Any, name: str, path: Path) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return joined(value)
    if isinstance(value, Mapping):
        raise UsageError(f"config={str(path)!r}: {name} is a section; expected a value")
    return str(value)
