"""The model card: what the model is for, how good it is, and what it can't do, in Hugging Face's format."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from advisor.artifacts import Artifact, Verdict
from advisor.explanation.effect import is_off, without_effect

TEMPLATES = Path(__file__).parent / "templates"
PIPELINE_TAGS = {
    "regression": "tabular-regression",
    "binary": "tabular-classification",
    "multiclass": "tabular-classification",
    "multilabel": "tabular-classification",
    "forecasting": "time-series-forecasting",
}
LIBRARY_TAGS = {"keras": "keras", "saved_model": "tensorflow", "litert": "tflite", "onnx": "onnx"}
MOST_COLUMNS = 100
LONGEST_NAME = 120


@dataclass(frozen=True)
class ModelCardInputs:
    """Everything that a model card says.

    Attributes:
        name: Name of the model.
        recommendation: The recommendation that was carried out, as its JSON document.
        data_name: Name of the data set or file.
        target: Name of the target.
        rows: Number of rows of each part: ``train``, ``val``, ``test``.
        features: Feature → kind, in the order of the file.
        classes: Labels in the order of the outputs; empty for regression.
        primary: Name of the metric that decides.
        network: Metric name → value on the test rows.
        baselines: Name of each baseline for people → metric name → value on the same rows.
        unit: Unit of the primary metric; empty when it has none.
        verdicts: Each requirement, measured.
        artifacts: Each delivered file.
        parameters: Number of trainable parameters; None when unknown.
        notes: Sentences about the data that limit what the model can do.
        reproducibility: Label → value: seed, versions, digests.
        comparison: Sentences that say whether a deep net is the right tool here.
    """

    name: str
    recommendation: Mapping[str, Any]
    data_name: str
    target: str
    rows: Mapping[str, int]
    features: Mapping[str, str]
    classes: Sequence[str]
    primary: str
    network: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    unit: str = ""
    verdicts: Sequence[Verdict] = ()
    artifacts: Sequence[Artifact] = ()
    parameters: int | None = None
    notes: Sequence[str] = ()
    reproducibility: Mapping[str, str] = field(default_factory=dict)
    comparison: Sequence[str] = ()


def render_model_card(inputs: ModelCardInputs) -> str:
    """Return the model card as Markdown with YAML front matter.

    Args:
        inputs: Everything that the card says. The licence is ``unknown``: only the owner of data and model can give
            one.

    Returns:
        The card, ready to be written as ``model_card.md`` (or as a repository's ``README.md``).
    """
    front = yaml.safe_dump(_front_matter(inputs), sort_keys=False, allow_unicode=True, width=100)
    body = (
        _environment()
        .get_template("model_card.md.j2")
        .render(
            card=inputs,
            task=str(inputs.recommendation.get("problem", {}).get("task", "")),
            rulebook={"name": "", "version": "", **inputs.recommendation.get("rulebook", {})},
            features=list(inputs.features.items())[:MOST_COLUMNS],
            hidden_features=max(len(inputs.features) - MOST_COLUMNS, 0),
            metrics=sorted(inputs.network, key=lambda name: (name != inputs.primary, list(inputs.network).index(name))),
            reasons=_reasons(inputs.recommendation),
            warnings=[_text(each) for each in inputs.recommendation.get("warnings", ())],
        )
    )
    return f"---\n{front}---\n{body.strip()}\n"


def _front_matter(inputs: ModelCardInputs) -> dict[str, Any]:
    task = str(inputs.recommendation.get("problem", {}).get("task", ""))
    pipeline_tag = PIPELINE_TAGS.get(task, "tabular-regression")
    libraries = [LIBRARY_TAGS[item.name] for item in inputs.artifacts if item.name in LIBRARY_TAGS]
    values = [
        {"type": name, "value": float(value), "name": name}
        for name, value in inputs.network.items()
        if math.isfinite(value)
    ]
    return {
        "license": "unknown",
        "library_name": "keras",
        "pipeline_tag": pipeline_tag,
        "tags": list(dict.fromkeys(["advisor", "tabular", pipeline_tag, *libraries])),
        "metrics": [value["name"] for value in values],
        "model-index": [
            {
                "name": cut(inputs.name),
                "results": [
                    {
                        "task": {"type": pipeline_tag, "name": task},
                        "dataset": {"type": "table", "name": cut(inputs.data_name), "split": "test"},
                        "metrics": values,
                    }
                ],
            }
        ],
    }


def cut(text: object) -> str:
    """Return a name on one line, without control characters, at most 120 characters long."""
    whole = " ".join("".join(" " if ord(each) < 32 or ord(each) == 127 else each for each in str(text)).split())
    whole = whole.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= LONGEST_NAME else whole[: LONGEST_NAME - 1] + "…"


def escape(text: object) -> str:
    """Return a user's text so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&$])", r"\\\1", cut(text))


def sentence(text: object) -> str:
    """Return prose on one line in which nothing is taken for HTML."""
    return " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: object) -> str:
    """Return a name for a code span."""
    return cut(text).replace("`", "'")


def number(value: float | None) -> str:
    """Return a number with four significant digits."""
    return "–" if value is None else f"{value:.4g}"


def _text(given: Any) -> str:
    return str(given.get("message", given)) if isinstance(given, Mapping) else str(given)


def _reasons(recommendation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one entry for each rule: what it decided together, and why; what has no effect here is left out."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for slot, decision in recommendation.get("decisions", {}).items():
        if without_effect(recommendation, slot) or is_off(decision):
            continue
        key = (str(decision.get("rule", "")), str(decision.get("because", "")).strip())
        entry = found.setdefault(key, {"rule": key[0], "because": key[1], "values": []})
        entry["values"].append((decision.get("title", slot), _shown(decision.get("value"))))
    return list(found.values())


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(  # Markdown, not HTML: texts go through the filters below
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["md"] = escape
    environment.filters.update(sentence=sentence, codespan=code)
    environment.filters["number"] = number
    return environment
