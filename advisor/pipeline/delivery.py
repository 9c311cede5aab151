"""From trained weights to a delivered model: export, reload, compare, measure, judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from advisor.artifacts import Array, Artifact, Latency, Verdict
from advisor.builder import Serving, build_serving, count_cost, with_target_units
from advisor.evaluation import (
    Baseline,
    Measurement,
    Metrics,
    compare_with_baselines,
    measure,
    measure_baselines,
    measure_forecast_baselines,
)
from advisor.export import (
    save_keras,
    save_saved_model,
    verify_keras,
    verify_saved_model,
)
from advisor.export.onnx import save_onnx, verify_onnx
from advisor.pipeline.candidates import open_runtime
from advisor.pipeline.compressing import Compressed
from advisor.pipeline.doubt_documents import stated_calibration
from advisor.pipeline.fitting import Fitted
from advisor.pipeline.microcontroller import write_for_microcontrollers
from advisor.pipeline.preparation import Prepared
from advisor.pipeline.progress import Progress
from advisor.report import Calibration
from advisor.run import CONTRACT, CONTRACT_VERSION
from advisor.storage import write_json

COMPARED_ROWS = 256


@dataclass(frozen=True)
class Delivered:
    """Everything that is known of the delivered model.

    Attributes:
        artifacts: Each delivered file, reloaded and compared.
        latency: Measured latency of the delivered artefact.
        metrics: Quality on the test rows.
        val_metrics: Quality on the validation rows.
        baselines: The baselines' quality on the same test rows.
        comparison: What to make of it, in sentences.
        measurements: What requirements are compared with, whether or not one asks.
        verdicts: Each requirement, measured.
        parameters: Number of trainable parameters.
        compressed: The steps that led to the delivered file, and everything that was measured.
        uncertainty: How the model states its uncertainty (:class:`advisor.pipeline.uncertain.Uncertainty`), or None.
        calibration: Whether its probabilities come true on the test rows as they are; None for numbers.
    """

    artifacts: tuple[Artifact, ...]
    latency: Latency
    metrics: Metrics
    val_metrics: Metrics
    baselines: tuple[Baseline, ...]
    comparison: tuple[str, ...]
    measurements: Mapping[str, Measurement]
    verdicts: tuple[Verdict, ...]
    parameters: int
    uncertainty: Any = None
    compressed: Compressed | None = None
    calibration: Calibration | None = None


def deliver(prepared: Prepared, fitted: Fitted, folder: Path, progress: Progress, compressed: Compressed) -> Delivered:
    """Export the chosen network, prove the exports, and measure everything that can be said of the model.

    Args:
        prepared: Data and decisions.
        fitted: The trained networks.
        folder: The growing run folder.
        progress: Is told of every stage.
        compressed: The delivered LiteRT file, and what was measured on the way to it.

    Returns:
        What was measured.

    Raises:
        ExportError: If an artefact differs from the model in memory after reloading.
        StorageError: If a file can't be written.
    """
    core = with_target_units(fitted.chosen.core, prepared.statistics)
    progress.stage("Exporting", "Keras, SavedModel and LiteRT; each is reloaded and compared with the model in memory")
    artifacts = _export(prepared, core, folder, compressed)
    chosen = compressed.delivered
    runtime = open_runtime(folder / chosen.artifact.path, chosen.preparation)
    progress.stage("Measuring", "quality on the test rows, baselines, latency, size, sparsity")
    bundle = prepared.bundle
    answers = runtime.predict(bundle.test.x)
    metrics = measure(bundle.task, bundle.test.y, answers)
    val_metrics = measure(bundle.task, bundle.val.y, runtime.predict(bundle.val.x))
    baselines = _baselines(prepared)
    return Delivered(
        artifacts=artifacts,
        latency=chosen.latency,
        metrics=metrics,
        val_metrics=val_metrics,
        baselines=baselines,
        comparison=compare_with_baselines(
            metrics,
            baselines,
            overlapping=int(prepared.encoder.inputs.details["horizon"]) if bundle.task == "forecasting" else 1,
            cut_short=_cut_short(fitted),
            required=bool(fitted.recommendation.requirements),
        ),
        measurements=chosen.measurements,
        verdicts=chosen.verdicts(fitted.recommendation.requirements),
        parameters=count_cost(core).parameters,
        compressed=compressed,
        calibration=stated_calibration(bundle.task, bundle.test.y, answers),
    )


def _cut_short(fitted: Fitted) -> bool:
    """Tell whether the delivered network's training ended before its time for want of time."""
    return any(
        event.kind == "shortened" or event.facts.get("reason") == "time_budget" for event in fitted.chosen.report.events
    )


def _export(prepared: Prepared, core: Any, folder: Path, compressed: Compressed) -> tuple[Artifact, ...]:
    scale: Array | float = 1.0 if prepared.statistics.target_scale is None else prepared.statistics.target_scale
    rows = prepared.bundle.test.x[:COMPARED_ROWS]
    serving = build_serving(core, prepared.encoder.inputs)
    raw = _raw_inputs(prepared, serving, prepared.bundle.test.rows[:COMPARED_ROWS])
    model, wanted, chosen = folder / "model", prepared.request.exports, compressed.delivered
    save_keras(serving.model, model / "model.keras")
    made = [verify_keras(model / "model.keras", serving.model, raw, root=folder, scale=scale)]
    if "saved_model" in wanted:
        save_saved_model(serving.model, model / "saved_model")
        made.append(verify_saved_model(model / "saved_model", serving.model, raw, root=folder, scale=scale))
    if "onnx" in wanted:
        save_onnx(core, model / "model.onnx")
        made.append(verify_onnx(model / "model.onnx", core, rows, root=folder, scale=scale))
    artifacts = (*made, chosen.artifact)
    write_for_microcontrollers(prepared, compressed, folder)
    write_json(
        folder / CONTRACT,
        {
            "contract_version": CONTRACT_VERSION,
            "task": prepared.bundle.task,
            "outputs": prepared.outputs,
            "classes": prepared.encoder.labels.tolist(),
            "target": prepared.schema.target.name,
            "encoder": prepared.encoder.contract(),
            "serving_inputs": serving.inputs,
            "serving_types": serving.types,
            "artifacts": {each.name: str(each.path) for each in artifacts},
            "litert": {
                "precision": chosen.name,
                "preparation": None if chosen.preparation is None else chosen.preparation.to_dict(),
            },
        },
    )
    return artifacts


def _baselines(prepared: Prepared) -> tuple[Baseline, ...]:
    """Measure the simple models; what is no table is laid out as one for them."""
    bundle, flat = prepared.bundle, prepared.source.flat
    if bundle.task == "forecasting":
        return measure_forecast_baselines(bundle, prepared.encoder.inputs)
    table = replace(
        bundle,
        train=replace(bundle.train, x=flat(bundle.train.x)[0]),
        val=replace(bundle.val, x=flat(bundle.val.x)[0]),
        test=replace(bundle.test, x=flat(bundle.test.x)[0]),
    )
    return measure_baselines(table, flat(bundle.test.x)[1], seed=prepared.request.seed)


def _raw_inputs(prepared: Prepared, serving: Serving, rows: Array) -> dict[str, Array]:
    """Return raw rows as the exported models take them: one array (n, 1) an input."""
    return {serving.inputs[name]: values for name, values in prepared.source.raw_inputs(rows).items()}
