"""``advisor generate``: a recommendation as a standalone Keras script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from advisor.errors import ArtifactError, Finding, RequestError

STYLES = ("fit", "loop")


def generate(
    recommendation: Annotated[
        str, typer.Argument(help="Recommendation as JSON, from `advisor recommend --json`; - reads standard input.")
    ],
    out: Annotated[Path | None, typer.Option(help="Script to write; on stdout without it.")] = None,
    style: Annotated[
        str, typer.Option(help="fit: compile and fit. loop: an explicit training loop with a hook for a custom loss.")
    ] = "fit",
    data: Annotated[
        Path | None, typer.Option(help="Table to write the script for; else it takes --data and --target itself.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict; inferred when it is not given.")] = None,
    seed: Annotated[int, typer.Option(help="Seed that the script starts with.")] = 0,
) -> None:
    """Write a readable Keras script that builds and trains what was recommended, without this program."""
    if style not in STYLES:
        raise RequestError(Finding("R133", "--style", f"there is no style {style!r}.", f"Styles: {', '.join(STYLES)}."))
    if target is not None and data is None:
        raise RequestError(Finding("R134", "--target", "a target needs a table.", "Give --data too."))
    script = _script(_read(recommendation), style, data, target, seed)
    if out is None:
        sys.stdout.write(script)
        return
    from advisor.storage import write_text

    write_text(out, script)
    print(f"Wrote {out}. Run it with: python {out}" + ("" if data else " --data FILE --target COLUMN"), file=sys.stderr)


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArtifactError(
            Finding("A105", path, f"the recommendation can't be read: {reason}.", "Check the path.")
        ) from error


def _script(text: str, style: Any, data: Path | None, target: str | None, seed: int) -> str:
    from advisor.export.script import ScriptData, ScriptFacts, generate_script
    from advisor.recommendation import Recommendation
    from advisor.training import Recipe

    advised = Recommendation.from_json(text)
    task = advised.problem.task
    table = None
    if data is not None:
        from advisor.data import infer_schema, read_table

        frame = read_table(data)
        table = ScriptData(str(data), infer_schema(frame, target, task=task), frame)
    recipe = Recipe.from_values(advised.values, task=task)
    return generate_script(advised.to_dict(), recipe.as_dict(), style=style, data=table, facts=ScriptFacts(seed=seed))
