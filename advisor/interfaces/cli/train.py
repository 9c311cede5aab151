"""``advisor train``: the whole pipeline."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_NO, Finding, ProblemError, RequestError
from advisor.interfaces.cli.describing import COLUMN_HELP, CROSS_HELP, WIDE_HELP, data_options
from advisor.interfaces.cli.live import Narrator
from advisor.interfaces.cli.streams import write_line

if TYPE_CHECKING:
    from advisor.artifacts import Epoch, Event
    from advisor.pipeline import Prepared
    from advisor.recommendation import Recommendation
    from advisor.run import Run

MOST_COLUMNS = 30
NOTHING_TO_DO = "Nothing to do"


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
    out: Annotated[Path, typer.Option(help="Run folder: new, empty, or with a run of the same request.")] = Path("run"),
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
    column: Annotated[list[str] | None, typer.Option(metavar="NAME=KIND", help=COLUMN_HELP)] = None,
    wide: Annotated[str | None, typer.Option(metavar="COLUMNS", help=WIDE_HELP)] = None,
    cross: Annotated[list[str] | None, typer.Option(metavar="COLUMNS", help=CROSS_HELP)] = None,
    allow_missing_target: Annotated[
        bool, typer.Option("--allow-missing-target", help="Leave rows without a target out; else they are an error.")
    ] = False,
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
    max_epochs: Annotated[
        int | None, typer.Option(help="Longest training of one network; the schedule is fitted into it.")
    ] = None,
    single_network: Annotated[
        bool,
        typer.Option(
            "--single-network", help="Train one network: try no other strengths, nor again against overfitting."
        ),
    ] = False,
    mlflow: Annotated[
        str | None,
        typer.Option(
            metavar="[URI]", help="Log the finished run to MLflow; without URI to that of MLFLOW_TRACKING_URI."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="Tell nothing on the way.")] = False,
) -> None:
    """Train, export and measure the network that the rules advise for your data.

    Everything that goes in is an argument; everything that comes out is below --out: model/, metrics.json,
    requirements.json, recommendation.json, manifest.json (digests of all), report.html, train.py.
    Messages go to stderr.

    Repeated with the same data, problem, rulebook, seed and versions it trains nothing and says so. A folder with
    another run is left alone unless --force is given.

    Exit codes: 0 done, and every requirement met; 1 done, but a requirement is missed, or training failed; 2 the
    request can't be understood, or --out holds something else; 3 the data or an artefact is unusable; 130 interrupted.
    """
    from advisor.framework import own_process
    from advisor.pipeline import Interrupted, Request, carry_out

    own_process()

    request = Request.of(
        _advice(problem, recommendation),
        data,
        target=target,
        rulebook=rulebook,
        split_column=split_column,
        validation=validation,
        test=test,
        seed=seed,
        time_budget=time_budget,
        data_kind=data_kind,
        data_options=data_options(
            series_id=series_id,
            time=time,
            horizon=horizon,
            window=window,
            column=column,
            wide=wide,
            cross=cross,
            allow_missing_target=allow_missing_target,
        ),
        exports=tuple(name.strip() for name in export.split(",") if name.strip()),
        device_profile=device_profile,
        pretrained=pretrained,
        unlabeled=unlabeled,
        auxiliary=auxiliary,
        auxiliary_target=auxiliary_target,
        max_epochs=max_epochs,
        single_network=single_network,
    )
    tracker = None
    if mlflow is not None:
        from advisor.interfaces.tracking import open_tracker

        tracker = open_tracker(mlflow)
    teller = _Noticer() if no_progress else _Teller()
    try:
        run = carry_out(request, out, resume=resume, force=force, progress=teller)
    except Interrupted:
        print(f"Stopped. What there is waits in {out}.partial; go on with --resume.", file=sys.stderr)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if tracker is not None:
        number, now = tracker.log(run)
        print(f"MLflow: the run is {'logged' if now else 'there already'} as {number}.", file=sys.stderr)
    met = all(each["met"] for each in run.requirements)
    write_line(_json(run) if as_json else _page(run))
    raise typer.Exit(EXIT_DONE if met else EXIT_NO)


def _advice(problem: Path | None, recommendation: Path | None) -> Recommendation | dict[str, Any] | None:
    """Read what was decided or stated beforehand, if anything was."""
    from advisor.problem.strict_json import read_strict_json
    from advisor.recommendation import Recommendation

    if problem is not None and recommendation is not None:
        raise RequestError(
            Finding(
                "R130", "--problem", "a problem and a recommendation exclude one another.", "Give only one of them."
            )
        )
    if recommendation is not None:
        return Recommendation.from_json(_read(recommendation))
    if problem is None:
        return None
    given = read_strict_json(_read(problem))
    if not isinstance(given, dict):
        raise ProblemError(Finding("P101", str(problem), "a problem is a JSON object.", "Write {...}."))
    return given


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(Finding("R131", str(path), f"the file can't be read: {error.strerror}.")) from error


class _Noticer(Narrator):
    """Says nothing but that there was nothing to do."""

    def stage(self, name: str, detail: str) -> None:
        """Print one stage only."""
        if name == NOTHING_TO_DO:
            super().stage(name, detail)

    def prepared(self, prepared: Prepared) -> None:
        """Show nothing."""

    def fit_begins(self, label: str, max_epochs: int) -> None:
        """Show nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Show nothing."""

    def event(self, event: Event) -> None:
        """Show nothing."""


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
    lines.append(f"  How these parts came about: {prepared.split.how}.")
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
    concluding = " ".join(metrics["comparison"][len(metrics["baselines"]) :])
    lines += ["", *textwrap.wrap(concluding, 100), ""]
    lines += requirement_lines(run.requirements)
    if run.closest:
        lines += ["", *textwrap.wrap(run.closest, 100)]
    folder = shlex.quote(str(run.path))
    lines += [
        "",
        f"Read why and how good:  {run.path}/report.html",
        f"Predict new rows:       advisor predict {folder} --data ROWS.csv",
    ]
    return "\n".join(lines)


def requirement_lines(requirements: list[dict[str, Any]]) -> list[str]:
    """Return the table that says which requirements are met."""
    if not requirements:
        return ["Requirements: none were stated."]
    lines = ["Requirements, measured on the delivered model:"]
    for each in requirements:
        mark = "met   " if each["met"] else "MISSED"
        lines.append(
            f"  {mark}  {each['name'].replace('_', ' '):<9} required {each['required']:g} {each['unit']}, "
            f"measured {each['measured']:.4g} {each['unit']}"
        )
    return lines
