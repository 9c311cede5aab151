"""``advisor predict``: predictions of a delivered model for raw rows."""

from __future__ import annotations

import math
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.errors import Finding, RequestError
from advisor.interfaces.cli.streams import write_line

if TYPE_CHECKING:
    import polars as pl

    from advisor.run import Run

LEVEL = 0.9
WRITERS = {".csv": "write_csv", ".parquet": "write_parquet", ".jsonl": "write_ndjson", ".arrow": "write_ipc"}


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder that `advisor train` wrote.")],
    data: Annotated[Path, typer.Option(help="Table with the columns that the model was trained on.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write: .csv, .parquet, .jsonl or .arrow; CSV on stdout without it.")
    ] = None,
    runtime: Annotated[str, typer.Option(help="litert (fast) or keras.")] = "litert",
    uncertainty: Annotated[
        bool,
        typer.Option(
            "--uncertainty", help="Also state how sure: std, lower, upper; for classes entropy, mutual_information."
        ),
    ] = False,
    level: Annotated[float, typer.Option(help="Share of rows whose truth lies between lower and upper.")] = LEVEL,
    abstain_above: Annotated[
        float | None,
        typer.Option(
            help="Flag rows in a column `abstain` whose std (values, in their unit) or entropy (classes, in nats) is "
            "above this; implies --uncertainty."
        ),
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Number of sampled networks; as calibrated without it.")] = None,
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
    doubting = uncertainty or abstain_above is not None or samples is not None
    if doubting:
        check_doubt(delivered, level, abstain_above)
    counted = delivered.encoder.encode_counted(data)
    for each in counted.notes:
        print(f"Note: {each}", file=sys.stderr)
    for column, count in counted.unknown.items():
        print(
            f"Note: {count} rows have a value of {column!r} that training never saw; it counts as unknown.",
            file=sys.stderr,
        )
    if doubting:
        frame = doubtful_answers(delivered, counted.x, runtime, level, abstain_above, samples)
    else:
        frame = answers(delivered, counted.x, runtime)
    if counted.names:
        import polars as pl

        frame.insert_column(0, pl.Series("file", counted.names))
    if out is None:
        buffer = BytesIO()
        frame.write_csv(buffer)
        write_line(buffer.getvalue().decode())
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
    return answers_of(run, run.outputs_of(encoded, runtime=runtime))


def answers_of(run: Run, outputs: Any) -> pl.DataFrame:
    """Return what a model's outputs, (rows, outputs), say as a table; see :func:`answers`."""
    import polars as pl

    decided = run.decide(outputs)
    columns: dict[str, Any] = {"prediction": decided}
    if decided.ndim == 2:
        names = run.classes or tuple(run.contract["target"].split(","))
        names = names if len(names) == decided.shape[1] else tuple(range(1, decided.shape[1] + 1))
        columns = {f"prediction_{name}": decided[:, number] for number, name in enumerate(names)}
    if run.classes:
        for number, name in enumerate(run.classes):
            columns[f"probability_{name}"] = run.probabilities(outputs)[:, number]
    return pl.DataFrame(columns)


def check_doubt(run: Run, level: float, abstain_above: float | None) -> None:
    """Refuse what can't be asked of a model's uncertainty, before any row is read.

    Raises:
        RequestError: If the model was trained without, the level isn't between 0 and 1, or the threshold of
            abstaining can flag no row or every row.
    """
    stated = run.uncertainty
    if not 0 < level < 1:
        raise RequestError(Finding("U104", "--level", f"the level is {level:g}; it must lie between 0 and 1."))
    if abstain_above is None:
        return
    most = math.inf
    if stated.is_of_classes:
        count = len(run.classes)
        most = count * math.log(2) if stated.task == "multilabel" else math.log(count)
    if not (math.isfinite(abstain_above) and 0 < abstain_above < most):
        measure, top = ("entropy in nats", f" and below {most:.4g}") if stated.is_of_classes else ("std", "")
        raise RequestError(
            Finding(
                "U109",
                "--abstain-above",
                f"the threshold is {abstain_above:g}; it must be a number above 0{top} ({measure}).",
                "The report shows what abstaining buys.",
            )
        )


def doubtful_answers(
    run: Run, encoded: Any, runtime: str, level: float, abstain_above: float | None, samples: int | None
) -> pl.DataFrame:
    """Return predictions with how sure they are, as a table.

    Args:
        run: The delivered model.
        encoded: Encoded rows, (rows, width).
        runtime: ``litert`` or ``keras``.
        level: Share of rows whose truth lies between ``lower`` and ``upper``.
        abstain_above: Rows with more doubt than this are flagged in a column ``abstain``; None flags none.
        samples: Number of sampled networks, or None.
    """
    import numpy as np
    import polars as pl

    from advisor.uncertainty import ClassDistribution

    stated = run.distribution_of(encoded, samples=samples, runtime=runtime)
    columns: dict[str, Any] = {}
    if isinstance(stated, ClassDistribution):
        p = stated.probabilities
        if stated.task == "multilabel":
            columns |= {f"prediction_{name}": (p[:, k] >= 0.5).astype(int) for k, name in enumerate(run.classes)}
        else:
            columns["prediction"] = np.asarray(run.classes)[p.argmax(axis=1)]
        columns |= {f"probability_{name}": p[:, k] for k, name in enumerate(run.classes)}
        columns |= {"entropy": stated.entropy, "mutual_information": stated.mutual_information}
        doubt = stated.entropy
    else:
        low, high = stated.interval(level)
        tables = {"prediction": stated.mean, "std": stated.std, "lower": low, "upper": high}
        for name, table in tables.items():
            if table.ndim == 1:
                columns[name] = table
            else:
                columns |= {f"{name}_{k}": table[:, k] for k in range(table.shape[1])}
        doubt = stated.std if stated.std.ndim == 1 else stated.std.max(axis=1)
    if abstain_above is not None:
        columns["abstain"] = doubt > abstain_above
    return pl.DataFrame(columns)
