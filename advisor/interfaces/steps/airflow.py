"""The step as an Airflow DAG whose parameters are the command's arguments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from advisor.interfaces.steps.arguments import Argument

_TYPES = {"path": "string", "text": "string", "whole": "integer", "number": "number", "flag": "boolean"}


def files(arguments: Sequence[Argument], image: str) -> dict[str, str]:
    """Return ``advisor_train.py``, a DAG for Airflow 3.

    The task starts the command as a process, word by word and without a shell, where the worker has it.

    Args:
        arguments: Arguments of the command.
        image: Container image with the command, named in the DAG's description.
    """
    parameters = "".join(f"        {json.dumps(each.name)}: {_parameter(each)},\n" for each in arguments)
    options = "".join(f"    {json.dumps(each.name)}: {json.dumps(each.option)},\n" for each in arguments)
    return {"advisor_train.py": _DAG.format(parameters=parameters, options=options, image=image)}


def _parameter(each: Argument) -> str:
    default: Any = "run" if each.is_output else each.default
    if each.kind == "flag":
        default = False
    kind: dict[str, Any] = {"type": _TYPES.get(each.kind, "array")}
    if each.kind == "list":
        kind = {"type": ["null", "array"], "items": {"type": "string"}}
    elif not each.required and default is None:
        kind = {"type": ["null", kind["type"]]}
    words = ", ".join(f"{name}={value!r}" for name, value in kind.items())
    if each.required:
        return f"Param({words}, description={each.help!r})"
    return f"Param({default!r}, {words}, description={each.help!r})"


_DAG = '''"""Train with Advisor: one task whose parameters are the arguments of ``advisor train``.

Written by: advisor step airflow. The worker needs the command; the image {image} has it.
"""

import subprocess

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

OPTIONS = {{
{options}}}
FINAL = {{1: "a requirement is missed, or training failed", 2: "the arguments are wrong", 3: "the data are unusable"}}


def words(params):
    """Return the arguments as words of a command; what is empty is left out."""
    found = []
    for name, option in OPTIONS.items():
        value = params.get(name)
        if value is True:
            found.append(option)
        elif isinstance(value, list):
            found += [word for each in value for word in (option, str(each))]
        elif value is not None and value is not False and value != "":
            found += [option, str(value)]
    return found


@dag(
    dag_id="advisor_train",
    schedule=None,
    catchup=False,
    tags=["advisor"],
    params={{
{parameters}    }},
)
def advisor_train():
    """Train, export and measure the network that the rules advise for the data."""

    @task(retries=1)
    def train():
        """Run the command; ``--resume`` lets a retry go on where the first try was killed."""
        params = get_current_context()["params"]
        done = subprocess.run(["advisor", "train", *words(params), "--resume"], check=False)
        if done.returncode in FINAL:
            raise AirflowFailException(f"advisor train: {{FINAL[done.returncode]}} (exit code {{done.returncode}})")
        done.check_returncode()
        return str(params["out"])

    train()


advisor_train()
'''
