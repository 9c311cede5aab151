"""``advisor predict``: predictions of a delivered model for raw rows."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import Finding, RequestError

if TYPE_CHECKING:
    import polars as pl

    from advisor.run import Run

WRITERS = {".csv": "write_csv", ".parquet": "write_parquet", ".jsonl": "write_ndjson", ".arrow": "write_ipc"}


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder that `advisor train` wrote.")],
    data: Annotated[Path, typer.Option(help="Table with the columns that the model was trained on.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write: .csv, .parquet, .jsonl or .arrow; CSV on stdout without it.")
    ] = None,
    runtime: Annotated[str, typer.Option(help="litert (fast) or keras.")] = "litert",
) -> None:
    """Predict with a delivered model: a column ``prediction``, and for classes one ``probability_<class>`` each."""
    from advisor.run import load_run

    if out is not None and out.suffix not in WRITERS:
        raise RequestError(
            Finding(
                "R132", str(out), f"the format {out.suffix!r} can't be written.", f"Use one of {', '.join(WRITERS)}."
            )
        )
    delivered = load_run(run)
    counted = delivered.encoder.encode_counted(data)
    for column, count in counted.unknown.items():
        print(
            f"Note: {count} rows have a value of {column!r} that training never saw; it counts as unknown.",
            file=sys.stderr,
        )
    frame = answers(delivered, counted.x, runtime)
    if out is None:
        buffer = BytesIO()
        frame.write_csv(buffer)
        sys.stdout.write(buffer.getvalue().decode())
        return
    from advisor.storage import write_with

    write_with(out, lambda temporary: getattr(frame, WRITERS[out.suffix])(temporary))


def answers(run: Run, encoded: Any, runtime: str) -> pl.DataFrame:
    """Return predictions, and probabilities where there are classes, as a table.

    Args:
        run: The delivered model.
        encoded: Encoded rows, (rows, width).
        runtime: ``litert`` or ``keras``.
    """
    import polars as pl

    outputs = run.outputs_of(encoded, runtime=runtime)
    columns: dict[str, Any] = {"prediction": run.decide(outputs)}
    if run.classes:
        for number, name in enumerate(run.classes):
            columns[f"probability_{name}"] = run.probabilities(outputs)[:, number]
    return pl.DataFrame(columns)
