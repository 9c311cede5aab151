"""``advisor batch``: many problems in, as many recommendations out, in the same order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from advisor.errors import EXIT_NO, Finding, RequestError
from advisor.interfaces.cli.streams import note, to_json, write_line


def batch(
    problems: Annotated[str, typer.Argument(metavar="IN.jsonl", help="One problem a line; or a Parquet table.")],
    out: Annotated[str, typer.Argument(metavar="OUT.jsonl", help="One recommendation or error a line; or .parquet.")],
    rulebook: Annotated[str, typer.Option(help="Name of a rulebook, or its folder.")] = "homl2",
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes; 0 takes as many as there are processors.", min=0)
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Advise on many problems.

    Line n of the output answers the n-th problem; lines without text are passed over.
    A problem that is not valid becomes a line {"error": {code, place, message, hint}, "line": n}, and the others go on.

    What is finished lies in OUT.partial until all is done: after an interruption the same command goes on from there.
    In a Parquet table, a problem is the text of the column problem, or each column is a field and null leaves it out.

    Exit code 1: at least one problem got an error.
    """
    from advisor.interfaces.service.batching import answer_all
    from advisor.knowledge import load_rulebook

    source, goal = Path(problems), Path(out)
    for path in (source, goal):
        if path.suffix not in (".jsonl", ".ndjson", ".parquet"):
            message = f"{path.name!r} is neither JSONL nor Parquet."
            raise RequestError(Finding("R151", str(path), message, "Name it .jsonl or .parquet."))
    if source.absolute() == goal.absolute():
        raise RequestError(Finding("R150", out, "the output would replace the input.", "Give another output."))
    load_rulebook(rulebook)
    result = answer_all(source, goal, rulebook=rulebook, workers=workers or len(os.sched_getaffinity(0)))
    if result.resumed:
        note(f"Went on after {result.resumed} finished lines.")
    if json:
        write_line(to_json(result.as_dict()))
    else:
        errors = f"{result.failed:,} {'error' if result.failed == 1 else 'errors'}"
        answers = f"{result.answered:,} {'recommendation' if result.answered == 1 else 'recommendations'}"
        note(f"Wrote {answers} and {errors}: {out}")
    if result.failed:
        raise typer.Exit(EXIT_NO)
