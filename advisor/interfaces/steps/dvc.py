"""The step as a DVC stage: ``dvc.yaml``, and ``params.yaml`` with the command's arguments."""

from __future__ import annotations

import json
from collections.abc import Sequence

from advisor.interfaces.steps.arguments import Argument

EXAMPLE_DATA = "data.csv"


def files(arguments: Sequence[Argument], image: str) -> dict[str, str]:
    """Return ``dvc.yaml`` and ``params.yaml``.

    DVC unpacks the section ``train`` of the parameters into the words of the command, so the stage names no argument.
    Arguments that are left out wait there as comments.

    Args:
        arguments: Arguments of the command.
        image: Container image with the command; DVC runs it on the machine itself.
    """
    out = next(each for each in arguments if each.is_output)
    lines = ["# Written by: advisor step dvc. The arguments of advisor train; take the # away to give one.", "train:"]
    for each in arguments:
        name = each.option.removeprefix("--")
        lines.append(f"  # {each.help}")
        if each.name == "data":
            lines.append(f"  {name}: {EXAMPLE_DATA}")
        elif each.default is None or each.is_output:
            shown = {"flag": "true", "list": "[]"}.get(each.kind, "")
            lines.append(f"  # {name}: {shown}".rstrip() if not each.is_output else f"  {name}: {out.default}")
        else:
            value = each.default if each.kind != "text" else json.dumps(each.default)
            lines.append(f"  {name}: {value}")
    return {"dvc.yaml": _STAGE, "params.yaml": "\n".join(lines) + "\n"}


_STAGE = """# Written by: advisor step dvc
stages:
  train:
    desc: Train, export and measure the network that the rules advise for the data
    cmd: advisor train ${train} --no-progress --resume
    # Add other files that the parameters name. Lists need: dvc config parsing.list append
    deps:
      - ${train.data}
    params:
      - train
    outs:
      - ${train.out}
metrics:
  - ${train.out}/metrics.json
"""
