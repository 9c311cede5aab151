"""How the service starts processes of this program."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import advisor

_HOME = str(Path(advisor.__file__).resolve().parents[1])
_LINE = 4 * 1024 * 1024
SECRETS = frozenset({"ADVISOR_TOKEN"})
"""Variables that no process needs which reads what somebody sent."""


async def start_child(module: str, folder: Path, errors: int, **environment: str) -> Process:
    """Start a module of the jobs package as a process of its own group, with pipes for its input and output.

    Args:
        module: Name of the module.
        folder: Its working folder; it is not searched for modules.
        errors: File descriptor for its standard error.
        environment: Further variables.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in SECRETS}
    searched = os.pathsep.join(filter(None, [_HOME, inherited.get("PYTHONPATH", "")]))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        f"{__package__}.{module}",
        stdin=PIPE,
        stdout=PIPE,
        stderr=errors,
        cwd=folder,
        env={**inherited, "PYTHONPATH": searched, **environment},
        start_new_session=True,
        limit=_LINE,
    )
