"""The arguments of ``advisor train``, read from the command itself: the one list that every step is written from."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

FOR_PEOPLE = ("resume", "force", "as_json", "no_progress")
"""Arguments that a person at a terminal gives; a step has a folder of its own and is repeated as it is."""


@dataclass(frozen=True)
class Argument:
    """One argument of the command.

    Attributes:
        name: Its name in Python, such as ``time_budget``.
        option: Its name on the command line, such as ``--time-budget``.
        kind: ``path``, ``text``, ``whole``, ``number``, ``flag`` or ``list``.
        help: What it means.
        default: What it is when it isn't given; None leaves it open.
        required: Whether it must be given.
    """

    name: str
    option: str
    kind: str
    help: str
    default: Any
    required: bool

    @property
    def is_output(self) -> bool:
        """Whether it names what the step writes."""
        return self.name == "out"

    @property
    def is_input_file(self) -> bool:
        """Whether it names a file or folder that the step reads."""
        return self.kind == "path" and not self.is_output


_KINDS: dict[Any, str] = {Path: "path", str: "text", int: "whole", float: "number", bool: "flag", list[str]: "list"}


def arguments() -> tuple[Argument, ...]:
    """Return the arguments of ``advisor train`` that a step has, in the command's order."""
    from advisor.interfaces.cli.train import train

    hints = get_type_hints(train, include_extras=True)
    found = []
    for name, parameter in inspect.signature(train).parameters.items():
        if name in FOR_PEOPLE:
            continue
        annotated, option = get_args(hints[name])[:2]
        default = parameter.default
        required = default is inspect.Parameter.empty
        found.append(
            Argument(
                name,
                f"--{name.replace('_', '-')}",
                _kind(annotated),
                str(option.help),
                None if required or default is False else str(default) if isinstance(default, Path) else default,
                required,
            )
        )
    return tuple(found)


def _kind(annotated: Any) -> str:
    if get_origin(annotated) is Annotated:
        annotated = get_args(annotated)[0]
    if get_origin(annotated) in (Union, UnionType):
        annotated = next(each for each in get_args(annotated) if each is not NoneType)
    return _KINDS[annotated]
