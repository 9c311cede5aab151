"""``advisor generate``: a recommendation as a standalone Keras script."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from advisor.errors import ArtifactError, Finding, RequestError
from advisor.interfaces.cli.describing import COLUMN_HELP, CROSS_HELP, WIDE_HELP, data_options
from advisor.interfaces.cli.streams import write_line

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
        Path | None, typer.Option(help="Data to write the script for; else it takes --data (and --target) itself.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict; inferred when it is not given.")] = None,
    seed: Annotated[int, typer.Option(help="Seed that the script starts with.")] = 0,
    series_id: Annotated[str | None, typer.Option(help="Column that tells one series from another.")] = None,
    time: Annotated[str | None, typer.Option(help="Column that orders the steps of a series.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Steps to forecast at once.")] = None,
    window: Annotated[int | None, typer.Option(help="Steps that a forecast reads; inferred when not given.")] = None,
    column: Annotated[list[str] | None, typer.Option(metavar="NAME=KIND", help=COLUMN_HELP)] = None,
    wide: Annotated[str | None, typer.Option(metavar="COLUMNS", help=WIDE_HELP)] = None,
    cross: Annotated[list[str] | None, typer.Option(metavar="COLUMNS", help=CROSS_HELP)] = None,
) -> None:
    """Write a readable Keras script that builds and trains what was recommended, without this program."""
    if style not in STYLES:
        raise RequestError(Finding("R133", "--style", f"there is no style {style!r}.", f"Styles: {', '.join(STYLES)}."))
    options = data_options(
        series_id=series_id, time=time, horizon=horizon, window=window, column=column, wide=wide, cross=cross
    )
    if data is None and (target is not None or options):
        said = (
            "target"
            if target is not None
            else next(iter(options)).replace("_", "-").removesuffix("-columns").replace("kinds", "column")
        )
        raise RequestError(Finding("R134", f"--{said}", "it describes data, and none are given.", "Give --data too."))
    script = _script(_read(recommendation), style, data, target, seed, options)
    if out is None:
        write_line(script)
        return
    from advisor.storage import write_text

    write_text(out, script)
    more = "" if data else " --data FILE (see --help)"
    print(f"Wrote {out}. Run it with: python {out}{more}", file=sys.stderr)


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


def _script(text: str, style: Any, data: Path | None, target: str | None, seed: int, options: Mapping[str, Any]) -> str:
    from advisor.export.script import ScriptData, ScriptFacts, generate_script
    from advisor.pipeline.recipes import recipe_of
    from advisor.recommendation import Recommendation

    advised = Recommendation.from_json(text)
    problem = advised.problem
    described = None
    if data is not None:
        from advisor.data import open_source

        kind = problem.data_kind if "data_kind" in problem.given else None
        source = open_source(data, target, kind=kind, task=problem.task, **options)
        schema: Any = source.schema  # every kind of data has the schema of a table
        described = ScriptData(str(data), schema, source=source)
    recipe = recipe_of(advised.values, problem.task)
    facts = ScriptFacts(seed=seed)
    return generate_script(advised.to_dict(), recipe.as_dict(), style=style, data=described, facts=facts)
