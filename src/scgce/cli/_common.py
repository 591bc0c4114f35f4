"""What every command has: a config file, threads, and how much it says."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer

from ._config import read_config
from ._console import console
from ._errors import UsageError
from ._help import EVERYWHERE
from ._options import Option
from ._threads import limit_threads


def _defaults_from(context: typer.Context, path: Path | None) -> Path | None:
    if path is not None:
        context.default_map = read_config(path, context.command.name or "", _names(context))
    return path


def _names(context: typer.Context) -> set[str]:
    return {str(parameter.name) for parameter in context.command.params}


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML or TOML file with options by name; the command line wins.",
        callback=_defaults_from,
        is_eager=True,
        rich_help_panel=EVERYWHERE,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", help="Threads on the CPU; all if not given.", min=1, rich_help_panel=EVERYWHERE),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors on stderr.", rich_help_panel=EVERYWHERE)]
Debug = Annotated[
    bool, typer.Option("--debug", help="Say more, and where an error came from.", rich_help_panel=EVERYWHERE)
]

_ADDED: dict[str, tuple[Any, Any]] = {
    "config": (Config, None),
    "threads": (Threads, None),
    "quiet": (Quiet, False),
    "debug": (Debug, False),
}


_GIVEN: ContextVar[frozenset[str]] = ContextVar("_GIVEN", default=frozenset())


def _given(context: typer.Context) -> frozenset[str]:
    """Parameters that the user gave, on the command line or in the file of ``--config``."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source is not None and source.name != "DEFAULT")


def refuse_without_effect(names: Iterable[str], because: str) -> None:
    """
    Refuse options that the user gave and that would be passed over.

    Parameters
    ----------
    names
        Parameters that have no effect here.
    because
        What makes them so, for the message.

    Raises
    ------
    UsageError
        If one of them was given.
    """
    idle = [name for name in names if name in _GIVEN.get()]
    if idle:
        shown = ", ".join(f"--{name.replace('_', '-')}" for name in idle)
        raise UsageError(f"{shown}: no effect {because}; leave it out")


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command has, and do what they say before the command runs."""
    return command_with({})(function)


def command_with(table: Mapping[str, Option]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a `command` of a function that takes the options of a table as ``**options``, beside those it names."""
    return functools.partial(_command, table)


def _command(table: Mapping[str, Option], function: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(function, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _ADDED.items()
    ]
    parameters = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    needed = [parameter for parameter in named if parameter.default is inspect.Parameter.empty]
    own = [*needed, *(option.parameter(name) for name, option in table.items())]
    own += [parameter for parameter in named if parameter not in needed]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @functools.wraps(function)
    def wrapped(**values: Any) -> None:
        _GIVEN.set(_given(values.pop("context")))
        common = {name: values.pop(name) for name in _ADDED}
        limit_threads(common["threads"])
        with console(quiet=common["quiet"], debug=common["debug"]):
            function(**values)

    wrapped.__signature__ = signature.replace(parameters=[context, *own, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in [context, *own, *added]}
    return wrapped
