"""``advisor step``: ``advisor train`` as a step of another program's pipeline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from advisor import __version__
from advisor.errors import Finding, RequestError
from advisor.interfaces.cli.streams import write_line

IMAGE = f"advisor:{__version__}"


def step(
    kind: Annotated[str, typer.Argument(help="kubeflow, airflow or dvc.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder to write to; without it everything is printed.")
    ] = None,
    image: Annotated[str, typer.Option(help="Container image that has the command.")] = IMAGE,
) -> None:
    """Write advisor train as a step of a pipeline, from its own argument list.

    kubeflow: a component file. airflow: a DAG whose parameters are the arguments. dvc: a stage and its parameters.

    Raises:
        RequestError: If there is no such kind.
    """
    from advisor.interfaces.steps import STEPS, arguments

    if kind not in STEPS:
        raise RequestError(
            Finding("R182", "KIND", f"there is no kind of step {kind!r}.", f"Kinds: {', '.join(STEPS)}.")
        )
    files = STEPS[kind](arguments(), image)
    if out is None:
        for name, content in files.items():
            write_line(content if len(files) == 1 else f"# --- {name}\n{content}")
        return
    from advisor.storage import write_text

    for name, content in files.items():
        write_text(out / name, content)
        print(f"Wrote {out / name}", file=sys.stderr)
