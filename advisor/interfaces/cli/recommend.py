"""``advisor recommend``: a problem in, a recommendation out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from advisor.errors import Finding, RequestError
from advisor.interfaces.cli.describing import COLUMN_HELP, CROSS_HELP, WIDE_HELP, data_options
from advisor.interfaces.cli.streams import (
    note,
    page_style,
    page_width,
    read_input,
    wants_json,
    wrapped,
    write_line,
)


def recommend(
    problem: Annotated[
        str | None, typer.Argument(metavar="[PROBLEM.json|-]", help="The problem as JSON; - reads it from stdin.")
    ] = None,
    rulebook: Annotated[str, typer.Option(help="Name of a rulebook, or its folder.")] = "homl2",
    data: Annotated[str | None, typer.Option(metavar="FILE", help="Data that complete the problem.")] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The data's target column.")] = None,
    data_kind: Annotated[
        str | None,
        typer.Option(help="table, image, series or text, where the kind of data is recognized wrongly."),
    ] = None,
    series_id: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that tells one series from another.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that orders the steps of a series.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(help="Steps to forecast at once.")] = None,
    window: Annotated[int | None, typer.Option(help="Steps that a forecast reads; inferred when not given.")] = None,
    column: Annotated[list[str] | None, typer.Option(metavar="NAME=KIND", help=COLUMN_HELP)] = None,
    wide: Annotated[str | None, typer.Option(metavar="COLUMNS", help=WIDE_HELP)] = None,
    cross: Annotated[list[str] | None, typer.Option(metavar="COLUMNS", help=CROSS_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on a terminal too.")] = False,
) -> None:
    """Advise on a problem, and say why.

    Every choice comes with its rule, its reason and its source.

    On a terminal the recommendation is printed as a page; otherwise, and with --json, as JSON.
    With --data, fields that the data can answer need not be given; what is given wins.
    """
    from advisor.recommendation.recommend import recommend as decide

    options = data_options(
        series_id=series_id, time=time, horizon=horizon, window=window, column=column, wide=wide, cross=cross
    )
    if data is None and (target is not None or options):
        said = (
            "target"
            if target is not None
            else next(iter(options)).replace("_", "-").removesuffix("-columns").replace("kinds", "column")
        )
        raise RequestError(Finding("R104", f"--{said}", "it describes data, and none are given.", "Add --data FILE."))
    if problem is None and data is None:
        if sys.stdin.isatty():
            hint = "Give a file, - to read stdin, --data FILE --target COLUMN, or let yourself be asked: advisor ask"
            raise RequestError(Finding("R105", "PROBLEM.json", "there is no problem to advise on.", hint))
        problem = "-"
    text = read_input(problem, "a problem") if problem is not None else None
    if data is None:
        found = decide(text or b"", rulebook)
    else:
        described, measured = from_data(text, data, target, data_kind, options, rulebook)
        found = decide(described, rulebook, measured=measured)
    if wants_json(json):
        write_line(found.to_json())
        return
    from advisor.explanation import explain

    write_line(explain(found, brief=True).text(width=page_width(), style=page_style()))


def from_data(
    text: bytes | None,
    data: str,
    target: str | None,
    data_kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    rulebook: str = "homl2",
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return the facts that a user stated, completed by what the data say, and how each was measured.

    Raises:
        ProblemError: If what was stated is not valid.
        DataError: If the data can't be used.
    """
    from advisor.problem.checking import check_facts, check_stated
    from advisor.problem.merging import complete_facts
    from advisor.problem.strict_json import read_strict_json

    stated = read_strict_json(text) if text is not None else {}
    if not isinstance(stated, dict):
        check_facts(stated)
    check_stated(stated)
    from advisor.data import profile
    from advisor.data.limits import limits_before_reading

    kind = data_kind or stated.get("data_kind")
    limits = limits_before_reading(stated, rulebook)
    found = profile(data, target=target, task=stated.get("task"), kind=kind, limits=limits, **(options or {}))
    for each in found.notes:
        note(wrapped(f"Note: {each}"))
    return complete_facts(stated, found.facts, found.how)
