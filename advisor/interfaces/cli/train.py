"""``advisor train``: the whole pipeline."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_NO, Finding, ProblemError, RequestError
from advisor.interfaces.cli.live import Narrator

if TYPE_CHECKING:
    from advisor.pipeline import Prepared, Request
    from advisor.run import Run

MOST_COLUMNS = 30


def train(
    data: Annotated[
        Path, typer.Option(help="Table to learn from: CSV, TSV, Parquet, JSONL, Arrow, or NPZ with X and y.")
    ],
    target: Annotated[str | None, typer.Option(help="Column to predict; inferred when it is not given.")] = None,
    problem: Annotated[
        Path | None, typer.Option(help="Problem as JSON; fields that the data can answer need not be given.")
    ] = None,
    recommendation: Annotated[
        Path | None, typer.Option(help="Recommendation to carry out as it is, instead of a problem.")
    ] = None,
    rulebook: Annotated[str, typer.Option(help="Rulebook that decides: a name or a folder.")] = "homl2",
    out: Annotated[Path, typer.Option(help="Run folder; must be new or empty.")] = Path("run"),
    split_column: Annotated[str | None, typer.Option(help="Column with train, val and test.")] = None,
    validation: Annotated[Path | None, typer.Option(help="Separate table for validation.")] = None,
    test: Annotated[Path | None, typer.Option(help="Separate table for the final measurement.")] = None,
    seed: Annotated[int, typer.Option(help="Decides split, first weights and order of the rows.")] = 0,
    time_budget: Annotated[float | None, typer.Option(help="Seconds that training may take in all.")] = None,
    data_kind: Annotated[
        str | None, typer.Option(help="table, image, series or text, where the kind of data is recognized wrongly.")
    ] = None,
    series_id: Annotated[
        str | None, typer.Option(help="Column that tells one series from another, in a table of steps.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column that orders the steps of a series.")] = None,
    horizon: Annotated[
        int | None, typer.Option(help="Steps to forecast at once; --target names the columns, else all numbers.")
    ] = None,
    window: Annotated[int | None, typer.Option(help="Steps that a forecast reads; inferred when not given.")] = None,
    export: Annotated[
        str, typer.Option(help="Formats to deliver: keras, saved_model, litert, onnx; with commas between them.")
    ] = "keras,saved_model,litert",
    device_profile: Annotated[
        Path | None, typer.Option(help="Measured latencies of another device as JSON; the latency budget is for it.")
    ] = None,
    pretrained: Annotated[
        Path | None, typer.Option(help="Run folder or .keras file whose lower layers are tried as a beginning.")
    ] = None,
    unlabeled: Annotated[
        Path | None, typer.Option(help="Rows without labels to pretrain on, in the form of the data.")
    ] = None,
    auxiliary: Annotated[Path | None, typer.Option(help="Labeled data of a similar task to train for first.")] = None,
    auxiliary_target: Annotated[
        str | None, typer.Option(help="Column to predict there; inferred when it is not given.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier run once the new one is finished.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Tell nothing on the way.")] = False,
) -> None:
    """Train, export and measure the network that the rules advise for your data."""
    from advisor.pipeline import Interrupted, carry_out

    request = _request(
        data, target, problem, recommendation, rulebook, split_column, validation, test, seed, time_budget, data_kind
    )
    names = tuple(name.strip() for name in export.split(",") if name.strip())
    said = {"series_id": series_id, "time": time, "horizon": horizon, "window": window}
    options = {name: value for name, value in said.items() if value is not None}
    request = replace(
        request,
        exports=names,
        device_profile=device_profile,
        data_options=options,
        pretrained=pretrained,
        unlabeled=unlabeled,
        auxiliary=auxiliary,
        auxiliary_target=auxiliary_target,
    )
    teller = None if no_progress else _Teller()
    try:
        run = carry_out(request, out, resume=resume, force=force, progress=teller)
    except Interrupted:
        print(f"Stopped. What there is waits in {out}.partial; go on with --resume.", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    met = all(each["met"] for each in run.requirements)
    print(_json(run) if as_json else _page(run))
    raise typer.Exit(EXIT_DONE if met else EXIT_NO)


def _request(
    data: Path,
    target: str | None,
    problem: Path | None,
    recommendation: Path | None,
    rulebook: str,
    split_column: str | None,
    validation: Path | None,
    test: Path | None,
    seed: int,
    time_budget: float | None,
    data_kind: str | None,
) -> Request:
    from advisor.pipeline import Request
    from advisor.problem.strict_json import read_strict_json
    from advisor.recommendation import Recommendation

    if problem is not None and recommendation is not None:
        raise RequestError(
            Finding(
                "R130", "--problem", "a problem and a recommendation exclude one another.", "Give only one of them."
            )
        )
    given: Any = {}
    if problem is not None:
        given = read_strict_json(_read(problem))
        if not isinstance(given, dict):
            raise ProblemError(Finding("P101", str(problem), "a problem is a JSON object.", "Write {...}."))
    decided = None if recommendation is None else Recommendation.from_json(_read(recommendation))
    return Request(
        data=data,
        target=target,
        given=given,
        recommendation=decided,
        rulebook=rulebook,
        split_column=split_column,
        validation=validation,
        test=test,
        seed=seed,
        time_budget=time_budget,
        data_kind=data_kind,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(Finding("R131", str(path), f"the file can't be read: {error.strerror}.")) from error


class _Teller(Narrator):
    """Shows data, problem and recommendation before the epochs begin."""

    def prepared(self, prepared: Prepared) -> None:
        """Show what was found in the data and what is advised for it."""
        from advisor.explanation import explain

        self.metric = prepared.metric
        self._line("")
        for line in describe_data(prepared):
            self._line(line)
        self._line("")
        self._line(explain(prepared.recommendation, brief=True).text())


def describe_data(prepared: Prepared) -> list[str]:
    """Return the schema and the split as lines for a terminal."""
    bundle = prepared.bundle
    lines = [f"Data: {prepared.request.data}"]
    rows = prepared.schema.describe()
    shown = [name for name in ("column", "kind", "role", "missing", "values") if any(row[name] for row in rows)]
    widths = {name: min(32, max(len(name), *(len(row[name]) for row in rows))) for name in shown}
    for row in [{name: name for name in shown}, *rows[:MOST_COLUMNS]]:
        lines.append("  " + "  ".join(f"{row[name][:32]:<{widths[name]}}" for name in shown).rstrip())
    if len(rows) > MOST_COLUMNS:
        lines.append(f"  … and {len(rows) - MOST_COLUMNS} more columns (schema.json in the run folder has them all)")
    lines.append(
        f"  {len(bundle.train)} rows to fit on, {len(bundle.val)} to choose on, {len(bundle.test)} to measure on."
    )
    lines.append(f"  {prepared.split.how}")
    lines += [f"  Note: {note}" for note in (*prepared.profile.notes, *prepared.split.notes)]
    return lines


def _json(run: Run) -> str:
    return json.dumps(
        {"run": str(run.path), "metrics": run.metrics, "requirements": run.requirements, "closest": run.closest},
        indent=2,
        ensure_ascii=False,
    )


def _page(run: Run) -> str:
    """Return what was delivered, how good it is, and which requirements are met, for a terminal."""
    metrics = run.metrics
    lines = ["", f"Delivered: {run.path}", ""]
    primary = metrics["primary"]
    models = {
        "this network": metrics["test"],
        **{each["title"]: each["test"] for each in metrics["baselines"].values()},
    }
    width = max(map(len, models))
    lines.append(f"On {metrics['rows']['test']} rows that nothing else has read:")
    for title, values in models.items():
        value = values.get(primary)
        lines.append(f"  {title:<{width}}  {primary} {'undefined' if value is None else format(value, '.4g')}")
    lines += ["", *metrics["comparison"][-1:], ""]
    lines += requirement_lines(run.requirements)
    if run.closest:
        lines += ["", *textwrap.wrap(run.closest, 100)]
    return "\n".join(lines)


def requirement_lines(requirements: list[dict[str, Any]]) -> list[str]:
    """Return the table that says which requirements are met."""
    if not requirements:
        return ["Requirements: none were stated."]
    lines = ["Requirements, measured on the delivered model:"]
    for each in requirements:
        mark = "met   " if each["met"] else "MISSED"
        lines.append(
            f"  {mark}  {each['name']:<9} required {each['required']:g} {each['unit']}, "
            f"measured {each['measured']:.4g} {each['unit']}"
        )
    return lines
