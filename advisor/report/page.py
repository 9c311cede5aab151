"""The page: every section's lines, put into one self-contained HTML document."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from advisor.artifacts import Event
from advisor.explanation.wording import say_shape
from advisor.problem import FACTS
from advisor.report.decisions import decision_groups, plan_lines
from advisor.report.doubt import abstaining, calibration_sentence, doubt_lines
from advisor.report.figures import (
    comparison,
    learning_curves,
    pareto_plot,
    range_test_curve,
    rate_curve,
    reliability,
    sparsity_bars,
    thinned,
)
from advisor.report.graphing import drawn_decisions
from advisor.report.inputs import NETWORK, DataProfile, ReportInputs
from advisor.report.tiles import tiles
from advisor.report.usage import ways
from advisor.report.verdict import comparison_sign, metric_title, quality_sentences, requirement_sentence
from advisor.report.wording import DASH, FORMATS, counted, duration, joined, number, shown, size, words

MAXIMUM_BYTES = 2_000_000
MOST_COLUMNS = 500
MOST_CLASSES = 100
MOST_EPOCHS = 40
MOST_EVENTS = 200
LONGEST_TEXT = 400
"""Bounds on what is listed: a page for people, never past 2 MB; the whole data is in the run's JSON files."""
TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = {
    "verdict": "Verdict",
    "decisions": "Decisions",
    "data": "Data",
    "training": "Training",
    "quality": "Quality",
    "tried": "Tried",
    "artefacts": "Artefacts",
    "use": "How to use it",
    "reproducibility": "Reproducibility",
}
KINDS = {
    "regression": "A regression model for",
    "binary": "A binary classifier for",
    "multiclass": "A classifier for",
    "multilabel": "A multilabel classifier for",
    "forecasting": "A forecast of",
}
PARTS = {"train": "training", "val": "validation", "test": "test"}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_report(inputs: ReportInputs) -> str:
    """Return the report of a run as one HTML page.

    Args:
        inputs: Everything that the page says. Texts of the user (names of columns, classes, files) may hold anything;
            they are escaped, and cut where they are absurdly long.

    Returns:
        The page: no external request, at most 2 MB, readable without JavaScript.
    """
    template = _environment().get_template("report.html.j2")
    return template.render(**_view(inputs))


def cut(text: object, limit: int = LONGEST_TEXT) -> str:
    """Return a text as it is, or its beginning when it is too long for a page."""
    whole = "".join(" " if ord(letter) < 32 or ord(letter) == 127 else letter for letter in str(text))
    whole = whole.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"


def _view(inputs: ReportInputs) -> dict[str, Any]:
    recommendation = inputs.recommendation
    training = inputs.training
    quality = quality_sentences(inputs.metrics, inputs.data.rows.get(inputs.metrics.part), inputs.comparison)
    listed = thinned(training.epochs, training.best_epoch, MOST_EPOCHS - 2)
    titles = list(dict.fromkeys(name for score in inputs.metrics.scores for name in score.values))
    titles.sort(key=lambda name: name != inputs.metrics.primary)
    told = {(event.kind, event.message): event for event in (*inputs.events, *training.events)}
    events = list(told.values())[:MOST_EVENTS]
    groups = decision_groups(recommendation, inputs.slots)
    return {
        "run": _Safe(inputs),
        "css": (TEMPLATES / "report.css").read_text(encoding="utf-8"),
        "kind": KINDS.get(str(recommendation.get("problem", {}).get("task", "")), "A model for"),
        "rulebook": {"name": "", "version": "", **recommendation.get("rulebook", {})},
        "sections": [{"id": key, "title": title} for key, title in SECTIONS.items()],
        "delivered": _delivered(inputs),
        "quality": quality,
        "comparison": inputs.comparison[: len(inputs.metrics.scores) - 1],
        "warnings": [
            cut(text, 2000) for text in (*map(_warning, recommendation.get("warnings", ())), *inputs.warnings)
        ],
        "tiles": tiles(inputs),
        "requirement_sentence": requirement_sentence(inputs.verdicts),
        "requirements": _requirements(inputs),
        "latency": inputs.latency
        and {
            "p50": number(inputs.latency.p50_ms),
            "p99": number(inputs.latency.p99_ms),
            "calls": f"{inputs.latency.calls:,}",
            "host": inputs.latency.host,
        },
        "groups": groups,
        "graph": drawn_decisions(recommendation, groups),
        "plan": plan_lines(recommendation),
        **_data(inputs.data),
        "calibration_sentence": calibration_sentence(inputs.calibration),
        "doubt": doubt_lines(inputs.doubt),
        "training_sentence": _training_sentence(inputs),
        "figures": {
            "curves": learning_curves(training.epochs, training.best_epoch),
            "rate": rate_curve(training.epochs),
            "range": range_test_curve(training.range_test, training.maximum_learning_rate),
            "comparison": comparison(inputs.metrics),
            "calibration": reliability(inputs.calibration) if inputs.calibration else None,
            "pareto": pareto_plot(inputs.pareto, metric_title(inputs.metrics, inputs.metrics.primary)),
            "sparsity": sparsity_bars(inputs.sparsity),
            "abstaining": abstaining(inputs.doubt),
        },
        "epochs": [
            {
                "number": epoch.number,
                "kept": epoch.number == training.best_epoch,
                "loss": number(epoch.loss),
                "val_loss": number(epoch.val_loss),
                "val_metric": number(epoch.val_metric),
                "rate": number(epoch.learning_rate, 3),
            }
            for epoch in listed
        ],
        "epochs_left_out": len(listed) < len(training.epochs),
        "epoch_count": len(training.epochs),
        "metric_titles": [metric_title(inputs.metrics, name) for name in titles],
        "primary_title": metric_title(inputs.metrics, inputs.metrics.primary),
        "scores": [
            {
                "title": "this network" if score.name == NETWORK else score.title,
                "mine": score.name == NETWORK,
                "cells": [number(score.values.get(name)) for name in titles],
                "seconds": DASH if score.seconds is None else duration(score.seconds),
            }
            for score in inputs.metrics.scores
        ],
        "pareto": [
            {
                "name": point.name,
                "metric": number(point.metric),
                "size": size(point.bytes),
                "latency": DASH if point.latency_ms is None else f"{number(point.latency_ms, 3)} ms",
                "delivered": point.delivered,
            }
            for point in inputs.pareto
        ],
        "trials": [
            {"name": cut(trial.name), "validation": number(trial.validation), "kept": trial.kept, "why": cut(trial.why)}
            for trial in inputs.trials
        ],
        "has_reasons": any(trial.why for trial in inputs.trials),
        "events": [_event(event) for event in events],
        "artifacts": [
            {
                "title": FORMATS.get(item.name, words(item.name)),
                "path": cut(item.path),
                "size": size(item.bytes),
                "precision": item.precision,
                "difference": number(item.max_difference, 2),
                "tolerance": number(item.tolerance, 2),
                "rows": f"{item.rows_compared:,}",
            }
            for item in inputs.artifacts
        ],
        "ways": ways(inputs),
        "reproducibility": [
            {"title": cut(title), "value": cut(value)} for title, value in inputs.reproducibility.items()
        ],
    }


class _Safe:
    """The few texts of the inputs that the template names itself, cut to a bearable length."""

    def __init__(self, inputs: ReportInputs) -> None:
        self.name = cut(inputs.name, 120) or "run"
        self.data = {
            "name": cut(inputs.data.name, 120),
            "target": cut(inputs.data.target, 120),
            "split": _sentence(cut(inputs.data.split)),
            "notes": [cut(note) for note in inputs.data.notes[:50]],
        }
        self.metrics = {"part": inputs.metrics.part}
        self.calibration = {"method": inputs.calibration.method if inputs.calibration else ""}


def _sentence(text: str) -> str:
    """Return a text as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")


def _warning(given: Any) -> str:
    if isinstance(given, Mapping):
        return str(given.get("message") or given.get("text") or shown(given))
    return str(given)


def _delivered(inputs: ReportInputs) -> str:
    values = {slot: each.get("value") for slot, each in inputs.recommendation.get("decisions", {}).items()}
    size = say_shape(values)
    shape = f"A network of {size}" if size else "A network"
    if size and values.get("activation"):
        shape += f" ({values['activation']})"
    if inputs.parameters is not None:
        shape += f", {counted(inputs.parameters, 'trainable parameter')},"
    if not inputs.artifacts:
        return f"{shape} was trained.".replace(",,", ",")
    names = joined(FORMATS.get(item.name, words(item.name)) for item in inputs.artifacts)
    return f"{shape} was trained and delivered as {names}."


def _requirements(inputs: ReportInputs) -> list[dict[str, Any]]:
    return [
        {
            "title": words(verdict.name),
            "required": f"{comparison_sign(inputs, verdict.name)} {number(verdict.required)} {verdict.unit}".strip(),
            "measured": f"{number(verdict.measured)} {verdict.unit}".strip(),
            "met": verdict.met,
            "how": verdict.how,
        }
        for verdict in inputs.verdicts
    ]


def _data(data: DataProfile) -> dict[str, Any]:
    parts = [f"{counted(count, 'row')} for {PARTS.get(part, part)}" for part, count in data.rows.items()]
    classes = sorted(data.classes.items(), key=lambda item: -item[1])
    total = max(sum(data.classes.values()), 1)
    return {
        "rows_sentence": f"{counted(sum(data.rows.values()), 'row')}: {joined(parts)}." if parts else "",
        "facts": [
            {
                "title": FACTS[field].title if field in FACTS else words(field),
                "value": cut(shown(value)),
                "how": _sentence(cut(how)),
            }
            for field, value, how in data.facts
        ],
        "classes": [
            {"name": cut(name, 120), "rows": f"{count:,}", "share": f"{count / total:.1%}"}
            for name, count in classes[:MOST_CLASSES]
        ],
        "hidden_classes": max(len(classes) - MOST_CLASSES, 0),
        "columns": [
            {
                "name": cut(column.name, 120),
                "kind": column.kind,
                "role": column.role,
                "missing": f"{column.missing:,}",
                "categories": None if column.categories is None else f"{column.categories:,}",
                "note": cut(column.note),
            }
            for column in data.columns[:MOST_COLUMNS]
        ],
        "column_count": counted(len(data.columns), "column"),
        "has_notes": any(column.note for column in data.columns[:MOST_COLUMNS]),
        "hidden_columns": max(len(data.columns) - MOST_COLUMNS, 0),
    }


def _training_sentence(inputs: ReportInputs) -> str:
    training = inputs.training
    if not training.epochs:
        return "No epoch was finished."
    text = (
        f"{counted(len(training.epochs), 'epoch')} in {duration(training.seconds)}; the weights of epoch "
        f"{training.best_epoch}, with a validation loss of {number(training.best_val_loss)}, were kept. "
        f"The learning rate went up to {number(training.maximum_learning_rate, 3)}."
    )
    return text + (" Training was stopped by the user before its end." if training.interrupted else "")


def _event(event: Event) -> dict[str, str]:
    return {
        "title": words(event.kind),
        "message": cut(event.message, 1000),
        "facts": cut(", ".join(f"{words(key).lower()} {shown(value)}" for key, value in event.facts.items())),
    }
