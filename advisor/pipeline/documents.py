"""What a run folder says about itself: metrics, requirements, history, script, card, report, manifest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from advisor.data.table_source import TableSource
from advisor.data.text_source import TextSource
from advisor.evaluation import primary_metric
from advisor.export.manifest import versions, write_manifest
from advisor.export.model_card import render_model_card
from advisor.export.script import ScriptData, ScriptFacts, generate_script
from advisor.pipeline.compression_documents import pareto_documents, pareto_points, sparsity_by_layer
from advisor.pipeline.delivery import Delivered
from advisor.pipeline.doubt_documents import calibration_of, doubt_of
from advisor.pipeline.fitting import Fitted
from advisor.pipeline.preparation import Prepared, inputs_of
from advisor.pipeline.recipes import recipe_of
from advisor.report import (
    ColumnProfile,
    DataProfile,
    ReportInputs,
    Score,
    Trial,
    render_report,
)
from advisor.report import Metrics as ReportMetrics
from advisor.report.card import model_card_inputs
from advisor.report.inputs import NETWORK
from advisor.storage import write_json, write_text

IN_MEMORY = {"image": ".npz"}
"""Kind of data → ending of the file that a script expects where data were given in memory; else ``.parquet``."""


def write_documents(prepared: Prepared, fitted: Fitted, delivered: Delivered, folder: Path, name: str) -> None:
    """Write every document of a run but the models; the manifest comes last and makes the run a finished one.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        delivered: What was measured.
        folder: The growing run folder.
        name: Name of the run for people.

    Raises:
        StorageError: If a file can't be written.
    """
    recommendation = fitted.recommendation
    write_text(folder / "problem.json", recommendation.problem.to_json() + "\n")
    write_text(folder / "recommendation.json", recommendation.to_json() + "\n")
    write_json(folder / "schema.json", prepared.schema.to_dict())
    write_json(folder / "metrics.json", metrics_document(prepared, fitted, delivered))
    write_json(folder / "requirements.json", requirements_document(delivered))
    write_json(folder / "logs" / "history.json", history_document(fitted))
    write_text(folder / "train.py", script_of(prepared, fitted))
    inputs = report_inputs(prepared, fitted, delivered, name)
    write_text(folder / "report.html", render_report(inputs))
    write_text(folder / "model_card.md", render_model_card(model_card_inputs(inputs)))
    write_manifest(
        folder,
        seed=prepared.request.seed,
        data_sha256=prepared.bundle.sha256,
        extra={"inputs": inputs_of(prepared), "time_budget": prepared.request.time_budget},
    )


def script_of(prepared: Prepared, fitted: Fitted) -> str:
    """Return the standalone script of the chosen training, which it repeats bit for bit.

    A network that began with other data is the exception: its script trains the same network from scratch, with a
    learning rate of its own, and says so.
    """
    request, chosen, source = prepared.request, fitted.chosen, prepared.source
    candidate = chosen.candidate
    facts = ScriptFacts.from_training(
        chosen.report,
        seed=request.seed,
        regularization_strength=candidate.strength,
        dropout_rate=candidate.rate,
    )
    if candidate.origin:
        facts = replace(facts, maximum_learning_rate=None, epochs=None, stop_after=None)
    suffix = IN_MEMORY.get(source.kind, ".parquet")

    def named(data: Any, name: str) -> str | None:
        """Return the path of data; what is in memory is called by its role."""
        return None if data is None else str(data) if isinstance(data, str | Path) else f"{name}{suffix}"

    return generate_script(
        candidate.recommendation.to_dict(),
        recipe_of(candidate.recommendation.values, prepared.bundle.task, candidate.strength).as_dict(),
        style="loop",
        data=ScriptData(
            path=named(request.data, "data") or "",
            schema=prepared.source.schema,  # type: ignore[arg-type]  # every kind of data has the schema of a table
            frame=source.main if isinstance(source, TableSource | TextSource) else None,
            validation=named(request.validation, "validation"),
            test=named(request.test, "test"),
            source=source,
            data=request.data,
        ),
        facts=facts,
    )


def metrics_document(prepared: Prepared, fitted: Fitted, delivered: Delivered) -> dict[str, Any]:
    """Return the content of ``metrics.json``."""
    report, bundle = fitted.chosen.report, prepared.bundle
    return {
        "schema_version": 1,
        "task": bundle.task,
        "primary": primary_metric(bundle.task).name,
        "rows": {"train": len(bundle.train), "val": len(bundle.val), "test": len(bundle.test)},
        "test": dict(delivered.metrics.values),
        "val": dict(delivered.val_metrics.values),
        "undefined": dict(delivered.metrics.undefined),
        "baselines": {
            each.name: {
                "title": each.title,
                "test": dict(each.metrics.values),
                "seconds": round(each.seconds, 3),
                "notes": list(each.notes),
            }
            for each in delivered.baselines
        },
        "comparison": list(delivered.comparison),
        "latency": asdict(delivered.latency),
        "parameters": delivered.parameters,
        "artifacts": [{**asdict(each), "path": str(each.path)} for each in delivered.artifacts],
        "training": {
            "best_epoch": report.best_epoch,
            "epochs": len(report.epochs),
            "best_val_loss": report.best_val_loss,
            "maximum_learning_rate": report.maximum_learning_rate,
            "seconds": round(report.seconds, 3),
        },
        "trials": [
            {
                "name": trial.candidate.label,
                "title": trial.candidate.title,
                "best_val_loss": trial.report.best_val_loss,
                "sampled_log_likelihood": None if trial.score is None else -trial.score,
                "epochs": len(trial.report.epochs),
                "kept": trial.candidate is fitted.chosen.candidate,
                "origin": trial.candidate.origin or "scratch",
            }
            for trial in fitted.trials
        ],
        **({} if not fitted.leveraging else {"leveraging": [asdict(each) for each in fitted.leveraging]}),
        "events": [asdict(event) for event in fitted.events],
        **({} if delivered.uncertainty is None else {"uncertainty": delivered.uncertainty.measured}),
    }


def requirements_document(delivered: Delivered) -> dict[str, Any]:
    """Return the content of ``requirements.json``."""
    compressed = delivered.compressed
    document: dict[str, Any] = {
        "schema_version": 1,
        "met": all(each.met for each in delivered.verdicts),
        "requirements": [asdict(each) for each in delivered.verdicts],
        "measured": {name: asdict(each) for name, each in delivered.measurements.items()},
    }
    if compressed is not None:
        document |= {
            "closest": compressed.closest,
            "ladder": [_finite(asdict(each)) for each in compressed.rungs],
            "pareto": [_finite(each) for each in pareto_documents(compressed)],
        }
    return document


def _finite(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with null where a number isn't finite, which JSON can't say."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in document.items()
    }


def history_document(fitted: Fitted) -> dict[str, Any]:
    """Return the learning curves of every trial."""
    return {
        trial.candidate.label: {
            "epochs": [asdict(epoch) for epoch in trial.report.epochs],
            "range_test": [list(point) for point in trial.report.range_test],
        }
        for trial in fitted.trials
    }


def report_inputs(prepared: Prepared, fitted: Fitted, delivered: Delivered, name: str) -> ReportInputs:
    """Return everything that the report page and the model card say."""
    return ReportInputs(
        name=name,
        recommendation=fitted.recommendation.to_dict(),
        data=_data_profile(prepared),
        training=fitted.chosen.report,
        metrics=_metrics(prepared, fitted, delivered),
        verdicts=delivered.verdicts,
        artifacts=delivered.artifacts,
        reproducibility=_reproducibility(prepared),
        events=fitted.events,
        trials=_trials(fitted),
        latency=delivered.latency,
        parameters=delivered.parameters,
        comparison=delivered.comparison,
        **_doubt(prepared, fitted, delivered),
        pareto=pareto_points(delivered.compressed),
        sparsity=sparsity_by_layer(fitted, delivered.compressed),
    )


def _doubt(prepared: Prepared, fitted: Fitted, delivered: Delivered) -> dict[str, Any]:
    if delivered.uncertainty is None:
        return {"calibration": delivered.calibration}
    measured, method = delivered.uncertainty.measured, str(fitted.recommendation.values["calibration"])
    return {
        "calibration": calibration_of(measured, method, len(prepared.bundle.test)),
        "doubt": doubt_of(measured),
    }


def _data_profile(prepared: Prepared) -> DataProfile:
    schema, bundle = prepared.schema, prepared.bundle
    source = prepared.request.data
    return DataProfile(
        name=Path(source).name if isinstance(source, str | Path) else "a table in memory",
        target=", ".join(prepared.encoder.inputs.details["channels"])
        if schema.target.task == "forecasting"
        else schema.target.name,
        rows={"train": len(bundle.train), "val": len(bundle.val), "test": len(bundle.test)},
        columns=tuple(
            ColumnProfile(each.name, each.kind, each.role, each.missing, len(each.categories) or None, each.note)
            for each in schema.columns
        ),
        classes=dict(zip(schema.target.classes, schema.target.class_counts, strict=True)),
        facts=tuple(
            (field, prepared.problem.facts()[field], "said by the user" if field in prepared.request.given else how)
            for field, how in prepared.profile.how.items()
        ),
        notes=prepared.profile.notes + prepared.split.notes,
        split=prepared.split.how,
    )


def _metrics(prepared: Prepared, fitted: Fitted, delivered: Delivered) -> ReportMetrics:
    primary = primary_metric(prepared.bundle.task)
    scores = [Score(NETWORK, "the delivered network", _known(delivered.metrics.values), fitted.chosen.report.seconds)]
    scores += [Score(each.name, each.title, _known(each.metrics.values), each.seconds) for each in delivered.baselines]
    return ReportMetrics(primary=primary.name, greater_is_better=primary.higher_is_better, scores=tuple(scores))


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _trials(fitted: Fitted) -> tuple[Trial, ...]:
    if len(fitted.trials) < 2:
        return ()
    return tuple(
        Trial(trial.candidate.title, trial.judged, trial.candidate is fitted.chosen.candidate)
        for trial in fitted.trials
    )


def _reproducibility(prepared: Prepared) -> dict[str, str]:
    rulebook = prepared.recommendation.rulebook
    return {
        "Seed": str(prepared.request.seed),
        "Digest of the data": prepared.bundle.sha256,
        "Rulebook": f"{rulebook['name']} {rulebook['version']} ({rulebook['sha256']})",
        **{f"Version of {name}": version for name, version in versions().items()},
    }
