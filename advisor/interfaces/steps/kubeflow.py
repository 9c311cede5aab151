"""The step as a Kubeflow component file, which ``kfp.components.load_component_from_file`` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from advisor.interfaces.steps.arguments import Argument

_TYPES = {"text": "String", "whole": "Integer", "number": "Float", "flag": "Boolean", "list": "String"}


def files(arguments: Sequence[Argument], image: str) -> dict[str, str]:
    """Return ``component.yaml``.

    Files that the step reads are artifacts, everything else is a parameter; a flag that is given counts as set.

    Args:
        arguments: Arguments of the command.
        image: Container image with the command.
    """
    inputs = [_input(each) for each in arguments if not each.is_output]
    outputs = [
        {"name": each.name, "type": "Artifact", "description": each.help} for each in arguments if each.is_output
    ]
    component = {
        "name": "Advisor train",
        "description": "Train, export and measure the network that the rules advise for the data. Exit codes: 0 done; "
        "1 a requirement is missed or training failed; 2 wrong arguments; 3 unusable data.",
        "inputs": inputs,
        "outputs": outputs,
        "implementation": {
            "container": {
                "image": image,
                "command": ["advisor", "train"],
                "args": [word for each in arguments for word in _words(each)],
            }
        },
    }
    text = yaml.safe_dump(component, sort_keys=False, width=110, allow_unicode=True)
    return {"component.yaml": f"# Written by: advisor step kubeflow\n{text}"}


def _input(each: Argument) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": each.name, "type": _TYPES.get(each.kind, "Artifact"), "description": each.help}
    if each.name in ("data", "validation", "test", "unlabeled", "auxiliary"):
        entry["type"] = "Dataset"
    if not each.required:
        entry["optional"] = True
    if each.default is not None:
        entry["default"] = str(each.default)
    return entry


def _words(each: Argument) -> list[Any]:
    if each.is_output:
        return [each.option, {"outputPath": each.name}]
    value = {"inputPath" if each.is_input_file else "inputValue": each.name}
    if each.required:
        return [each.option, value]
    then = [each.option] if each.kind == "flag" else [each.option, value]
    return [{"if": {"cond": {"isPresent": each.name}, "then": then}}]
