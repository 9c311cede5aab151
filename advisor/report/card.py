"""The model card says a part of what the report says: the same records, fewer of them."""

from __future__ import annotations

from advisor.export.model_card import ModelCardInputs
from advisor.report.inputs import NETWORK, ReportInputs
from advisor.report.verdict import baselines, network_score, quality_sentences


def model_card_inputs(inputs: ReportInputs) -> ModelCardInputs:
    """Return what the model card of a run says.

    Args:
        inputs: What the report of the run says.

    Returns:
        Inputs for :func:`advisor.export.model_card.render_model_card`.
    """
    metrics, data = inputs.metrics, inputs.data
    mine = network_score(metrics)
    return ModelCardInputs(
        name=inputs.name,
        recommendation=inputs.recommendation,
        data_name=data.name,
        target=data.target,
        rows=data.rows,
        features={column.name: column.kind for column in data.columns if column.role == "feature"},
        classes=tuple(data.classes),
        primary=metrics.primary,
        network=mine.values if mine else {},
        baselines={score.title: score.values for score in baselines(metrics) if score.name != NETWORK},
        unit=metrics.unit,
        verdicts=inputs.verdicts,
        artifacts=inputs.artifacts,
        parameters=inputs.parameters,
        notes=(*data.notes, *inputs.warnings),
        reproducibility=inputs.reproducibility,
        comparison=quality_sentences(metrics, data.rows.get(metrics.part), inputs.comparison),
    )
